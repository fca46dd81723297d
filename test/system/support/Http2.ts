import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { certificates } from "../../support/Certificates.ts"
import { findProgram } from "../../support/FindProgram.ts"
import { fixture, run, serveFile } from "./Programs.ts"

/** Flags of a server that speaks TLS. */
export const tlsFlags = ({ server }: Awaited<ReturnType<typeof certificates>>): ReadonlyArray<string> => [
  ...["--ssl-cert", server.certPath, "--ssl-key", server.keyPath]
]

/** `pagi-server` with the application of `fixtures/http2.ts`. */
export const serve = (flags: ReadonlyArray<string> = [], port?: number) => serveFile(fixture("http2"), flags, port)

const path = findProgram("h2load")

/** Whether h2load is installed. */
export const hasH2load = path !== undefined

/** Makes requests; fails unless each of them was answered by HTTP/2 with a status below 300. */
export const h2load = (url: string, requests: number, flags: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const { code, output } = yield* run(path ?? "h2load", [`-n${requests}`, ...flags, url])
    assert.strictEqual(code, 0, output)
    assert.include(
      output,
      `requests: ${requests} total, ${requests} started, ${requests} done, ${requests} succeeded, 0 failed, 0 errored, 0 timeout`
    )
    assert.include(output, `status codes: ${requests} 2xx, 0 3xx, 0 4xx, 0 5xx`)
    assert.match(output, /Application protocol: h2c?\n/)
    return output
  })

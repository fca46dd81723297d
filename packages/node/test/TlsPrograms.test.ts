import { assert, describe, it } from "@effect/vitest"
import type { HttpHandler } from "@pagi/core/PagiApp"
import type { TlsExtension } from "@pagi/core/TlsExtension"
import * as Effect from "effect/Effect"
import { createHash } from "node:crypto"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { findProgram } from "../../../test/support/FindProgram.ts"
import { type Outcome, run } from "./support/Programs.ts"
import { serveHttp } from "./support/Server.ts"
import { temporaryFolder } from "../../../test/support/TemporaryFolder.ts"
import { serverTls, testCertificates } from "./support/TlsClient.ts"

const curl = findProgram("curl")

const assertSuccess = ({ code, errors }: Outcome): void => assert.strictEqual(code, 0, errors)

const app: HttpHandler<unknown> = Effect.fnUntraced(function* (scope, receive, send) {
  const answer = (body: string) =>
    Effect.andThen(send({ type: "http.response.start", status: 200 }), send({ type: "http.response.body", body }))
  if (scope.path === "/half") {
    yield* send({ type: "http.response.start", status: 200 })
    return yield* send({ type: "http.response.body", body: "half", more: true })
  }
  if (scope.path === "/body") {
    const hash = createHash("sha256")
    for (let more = true; more;) {
      const event = yield* receive
      if (event.type === "http.disconnect") return
      hash.update(event.body)
      more = event.more
    }
    return yield* answer(hash.digest("hex"))
  }
  const tls = scope.extensions["tls"] as TlsExtension | undefined // The server's own.
  return yield* answer(`${scope.scheme} ${tls?.clientCertName}`)
})

describe.skipIf(curl === undefined)("curl over TLS", () => {
  const runCurl = (...args: ReadonlyArray<string>) => run(curl ?? "curl", ["-sS", "--max-time", "10", ...args])

  const serveApp = (tls: object = {}) =>
    Effect.map(
      Effect.flatMap(serverTls, (files) => serveHttp(app, { tls: { ...files, ...tls } })),
      ({ port }) => ({ port, url: (path: string) => `https://localhost:${port}${path}` })
    )

  it.live("gets, without and with a look at who answers, one path after the other", () =>
    Effect.gen(function* () {
      const { authority } = yield* testCertificates
      const { port, url } = yield* serveApp()
      const careless = yield* runCurl("-k", `https://127.0.0.1:${port}/`)
      assertSuccess(careless)
      assert.strictEqual(careless.output.toString(), "https null")
      const careful = yield* runCurl("--cacert", authority.certPath, "-w", " %{num_connects}\n", url("/"), url("/"))
      assertSuccess(careful)
      assert.strictEqual(careful.output.toString(), "https null 1\nhttps null 0\n")
      const strict = yield* runCurl(url("/"))
      assert.strictEqual(strict.code, 60, "it does not know the authority")
    })
  )

  it.live("shows its certificate, and is refused without", () =>
    Effect.gen(function* () {
      const { authority, client, stranger } = yield* testCertificates
      const { url } = yield* serveApp({ ca: authority.certPath, verifyClient: true })
      const known = ["--cacert", authority.certPath]
      const welcome = yield* runCurl(...known, "--cert", client.certPath, "--key", client.keyPath, url("/"))
      assertSuccess(welcome)
      assert.strictEqual(welcome.output.toString(), "https CN=Ada \\+ Charles,O=Böse \\, Mädchen+OU=R&D,C=DE")
      for (const args of [[], ["--tls-max", "1.2"], ["--cert", stranger.certPath, "--key", stranger.keyPath]]) {
        const refused = yield* runCurl(...known, ...args, url("/"))
        assert.notStrictEqual(refused.code, 0)
        assert.strictEqual(refused.output.toString(), "")
      }
      const elsewhere = yield* runCurl(
        ...[...known, "--cert", client.certPath, "--key", client.keyPath, "-H", "Host: other.test", "-i", url("/")]
      )
      assertSuccess(elsewhere)
      assert.match(elsewhere.output.toString(), /^HTTP\/2 421 \r\n/)
    })
  )

  it.live("posts a body", () =>
    Effect.gen(function* () {
      const file = join(yield* temporaryFolder, "upload")
      const body = Buffer.from(Uint32Array.from({ length: 262_144 }, (_, index) => index).buffer)
      writeFileSync(file, body)
      const { url } = yield* serveApp()
      const outcome = yield* runCurl("-k", "--data-binary", `@${file}`, url("/body"))
      assertSuccess(outcome)
      assert.strictEqual(outcome.output.toString(), createHash("sha256").update(body).digest("hex"))
    })
  )

  it.live("sees that a response is not complete", () =>
    Effect.gen(function* () {
      const { url } = yield* serveApp()
      const outcome = yield* runCurl("-k", "--http1.1", url("/half"))
      assert.notStrictEqual(outcome.code, 0)
      assert.strictEqual(outcome.output.toString(), "half")
    })
  )

  it.live("speaks TLS through a Unix socket", () =>
    Effect.gen(function* () {
      const socket = join(yield* temporaryFolder, "app.sock")
      yield* serveHttp(app, { socket, tls: yield* serverTls })
      const outcome = yield* runCurl("-k", "--unix-socket", socket, "https://localhost/")
      assertSuccess(outcome)
      assert.strictEqual(outcome.output.toString(), "https null")
    })
  )
})

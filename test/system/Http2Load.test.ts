import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { certificates } from "../support/Certificates.ts"
import { temporaryFolder } from "../support/TemporaryFolder.ts"
import { h2load, hasH2load, serve, tlsFlags } from "./support/Http2.ts"
import { tell } from "./support/Memory.ts"
import type { Server } from "./support/Programs.ts"

/** A file with so many bytes. */
const fileOf = (size: number) =>
  Effect.map(temporaryFolder, (folder) => {
    const path = join(folder, "body")
    writeFileSync(path, Buffer.alloc(size, "."))
    return path
  })

const finished = (server: Server, output: string) =>
  Effect.gen(function* () {
    yield* tell(/finished in .*/.exec(output)?.[0] ?? "")
    yield* server.signal("SIGTERM")
    assert.deepStrictEqual(yield* server.result, { code: 0, signal: null }, server.output())
    assert.notMatch(server.output(), /ERROR|WARN/)
  })

const overTls = Effect.map(Effect.promise(certificates), tlsFlags)

describe.skipIf(!hasH2load)("h2load", () => {
  for (const [name, flags] of [
    ["without TLS", Effect.succeed([])],
    ["over TLS", overTls]
  ] as const) {
    it.live(`has 100,000 requests answered over 50 connections, ${name}`, () =>
      Effect.gen(function* () {
        const server = yield* serve(yield* flags)
        const output = yield* h2load(server.url("/"), 100_000, ["-c50", "-m10"])
        yield* finished(server, output)
      })
    )

    it.live(`has 20,000 uploads of 10 kB answered, ${name}`, () =>
      Effect.gen(function* () {
        const server = yield* serve(yield* flags)
        const path = yield* fileOf(10_000)
        const output = yield* h2load(server.url("/length"), 20_000, ["-c20", "-m10", "-d", path])
        yield* finished(server, output)
      })
    )

    it.live(`has 200 uploads and downloads of 5 MB come through, ${name}`, () =>
      Effect.gen(function* () {
        const server = yield* serve(yield* flags)
        const path = yield* fileOf(5_000_000)
        yield* h2load(server.url("/length"), 100, ["-c5", "-m4", "-d", path])
        const output = yield* h2load(server.url("/large"), 100, ["-c5", "-m4", "-w20", "-W24"])
        assert.match(output, /\(500000000\) data/)
        yield* finished(server, output)
      })
    )
  }

  it.live("has 100,000 requests answered over one connection, 100 at a time", () =>
    Effect.gen(function* () {
      const server = yield* serve()
      const output = yield* h2load(server.url("/"), 100_000, ["-c1", "-m100"])
      yield* finished(server, output)
    })
  )
})

import { assert, describe, it } from "@effect/vitest"
import type { HttpSendEvent } from "@pagi/core/Event"
import * as Arbitrary from "effect/Arbitrary"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import { createHash, randomBytes } from "node:crypto"
import * as http from "node:http"
import * as net from "node:net"
import * as zlib from "node:zlib"
import { CompressionLimiter } from "../../src/compression/CompressionLimiter.ts"
import { Coder } from "../../src/coding/Coder.ts"
import { ask } from "../support/Ask.ts"
import { serveHttp } from "../support/Server.ts"
import { turns, until } from "../support/Until.ts"

const start: HttpSendEvent = { type: "http.response.start", status: 200, headers: [["content-type", "text/plain"]] }
const piece = (body: string | Uint8Array, more = true): HttpSendEvent => ({ type: "http.response.body", body, more })
const decoders = { br: zlib.brotliDecompressSync, zstd: zlib.zstdDecompressSync, gzip: zlib.gunzipSync }

/** Bytes that cannot be made smaller, made once: that takes longer than to compress them. */
const allNoise = Buffer.concat(
  Array.from({ length: 6250 }, (_, index) => createHash("sha256").update(String(index)).digest())
)

const noise = (length: number): Buffer => allNoise.subarray(0, length)

/** What an application may do with a response that is to be compressed. */
/** Numbers from 0 on stand for pieces of so many bytes, -1 for a pause, -2 for a flush. */
const acts = Arbitrary.array(Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: -2, maximum: 3 }))), {
  maxLength: 8
})
const lengths = [0, 1, 1000, 200_000]

describe("CodedResponse", () => {
  it.effect.prop(
    "is the same content, in whatever pieces it is sent",
    [acts],
    ([tried]) =>
      Effect.gen(function* () {
        const { port } = yield* serveHttp(
          (_scope, _receive, send) =>
            Effect.gen(function* () {
              yield* send(start)
              for (const act of tried) {
                if (act >= 0) yield* send(piece(noise(lengths[act] ?? 0)))
                else if (act === -1) yield* turns(2)
                else yield* send({ type: "http.fullflush" })
              }
              yield* send(piece("end", false))
            }),
          { compress: true, compressMinSize: 0 }
        )
        const expected = Buffer.concat([...tried.map((act) => noise(lengths[act] ?? 0)), Buffer.from("end")])
        for (const coding of ["br", "zstd", "gzip"] as const) {
          const { body, headers } = yield* ask(port, { path: "/", headers: { "accept-encoding": coding } })
          assert.strictEqual(headers["content-encoding"], coding)
          assert.isTrue(decoders[coding](body).equals(expected))
        }
      }),
    { arbitrary: { runs: 40 } }
  )

  it.live("waits for a client that is behind, and keeps little for it", () =>
    Effect.gen(function* () {
      let sent = 0
      const content = noise(65_536)
      const { port } = yield* serveHttp(
        (scope, _receive, send) =>
          Effect.gen(function* () {
            yield* send(start)
            for (; scope.connection.isConnected; sent++) yield* send(piece(content))
            yield* send(piece("", false))
          }),
        { compress: true }
      )
      const socket = net.connect(port, "127.0.0.1")
      socket.pause()
      socket.write("GET / HTTP/1.1\r\nhost: a\r\naccept-encoding: gzip\r\n\r\n")
      // What the system takes for the client, and no more.
      let before = -1
      const isStill = Effect.suspend(() => {
        const still = sent > 0 && before === sent
        before = sent
        return Effect.delay(Effect.succeed(still), "50 millis")
      })
      yield* Effect.repeat(isStill, { until: (still) => still })
      assert.isBelow(sent, 400)
      socket.destroy()
    })
  )

  it.live("frees the coder when the client leaves, though the application goes on, and has a limit of them", () =>
    Effect.gen(function* () {
      const ended = yield* Deferred.make<void>()
      const { port } = yield* serveHttp(
        (scope, _receive, send) =>
          Effect.gen(function* () {
            yield* send(start)
            if (scope.path === "/short") return yield* send(piece("x".repeat(5000), false))
            yield* send(piece(noise(5000)))
            yield* scope.connection.disconnected
            // Goes nowhere, and a coder is not needed for it.
            yield* send(piece("x".repeat(200_000)))
            yield* Deferred.await(ended)
          }),
        { compress: true, disconnectGrace: "1 hour" }
      )
      const open = Effect.callback<http.ClientRequest>((resume) => {
        const headers = { "accept-encoding": "br" }
        const request = http.get({ port, host: "127.0.0.1", headers, agent: false }, (response) => {
          assert.strictEqual(response.headers["content-encoding"], "br")
          resume(Effect.succeed(request))
        })
        request.on("error", () => {})
      })
      const short = Effect.map(
        ask(port, { path: "/short", headers: { "accept-encoding": "br" } }),
        ({ body, headers }) => [headers["content-encoding"], body.length < 1000]
      )
      const requests = yield* Effect.replicateEffect(open, 256)
      assert.deepStrictEqual(yield* short, [undefined, false])
      for (const request of requests) request.destroy()
      let last: ReadonlyArray<unknown> = []
      while (last[0] !== "br") last = yield* short
      assert.deepStrictEqual(last, ["br", true])
      yield* Deferred.succeed(ended, undefined)
    })
  )

  it.live("breaks off where an application was interrupted in the middle of a piece, and goes on behind it", () =>
    Effect.gen(function* () {
      const exits: Array<boolean> = []
      const { port } = yield* serveHttp(
        (_scope, _receive, send) =>
          Effect.gen(function* () {
            yield* send(start)
            const sending = yield* Effect.forkChild(send(piece(randomBytes(5_000_000))))
            yield* turns(3)
            yield* Fiber.interrupt(sending)
            exits.push(Exit.isSuccess(yield* Effect.exit(send(piece("end", false)))))
          }),
        { compress: true, logLevel: "error" }
      )
      const outcome = yield* Effect.exit(ask(port, { path: "/", headers: { "accept-encoding": "gzip" } }))
      assert.deepStrictEqual(exits, [false])
      assert.isTrue(Exit.isFailure(outcome))
    })
  )

  it.live("keeps the pieces of several fibers whole", () =>
    Effect.gen(function* () {
      const { port } = yield* serveHttp(
        (_scope, _receive, send) =>
          Effect.gen(function* () {
            yield* send(start)
            yield* Effect.forEach(["a", "b", "c", "d"], (letter) => send(piece(`<${letter.repeat(100_000)}>`)), {
              concurrency: "unbounded"
            })
            yield* send(piece("", false))
          }),
        { compress: true }
      )
      const { body } = yield* ask(port, { path: "/", headers: { "accept-encoding": "br" } })
      const pieces = zlib
        .brotliDecompressSync(body)
        .toString()
        .match(/<(a+|b+|c+|d+)>/g)
      assert.deepStrictEqual(
        pieces?.map(({ length }) => length),
        [100_002, 100_002, 100_002, 100_002]
      )
    })
  )
})

describe("Coder", () => {
  it.live("is freed once, as soon as no other thread works with it", () =>
    Effect.gen(function* () {
      let freed = 0
      const limiter = new CompressionLimiter()
      const coder = new Coder(limiter, "gzip", 6, () => freed++)
      const writing = yield* Effect.forkChild(coder.run("write", noise(65_536)))
      yield* Effect.yieldNow
      coder.close()
      coder.close()
      assert.strictEqual(freed, 0)
      yield* Fiber.join(writing)
      yield* until("the coder is freed", () => freed === 1)
      // Its place is free again, and what it is asked for does nothing.
      yield* coder.run("flush")
      const coders = Array.from({ length: 8 }, () => new Coder(limiter, "gzip", 6, () => freed++))
      yield* Effect.forEach(coders, (one) => one.run("end", noise(65_536)), { concurrency: "unbounded" })
      for (const one of coders) one.close()
      assert.strictEqual(freed, 9)
    })
  )

  it.live("tells of a failure, and does not keep its place", () =>
    Effect.gen(function* () {
      const limiter = new CompressionLimiter()
      const coder = new Coder(limiter, "gzip", 6, () => {})
      yield* coder.run("end", Buffer.from("a"))
      const error = yield* Effect.flip(coder.run("write", Buffer.from("b")))
      assert.match(error.message, /^the content cannot be compressed: /)
    })
  )
})

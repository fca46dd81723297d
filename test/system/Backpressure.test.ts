import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { forgetPeak, inMebibytes, isMeasurable, mebibyte, peak, tell } from "./support/Memory.ts"
import { fetchText, open, type Peer, requestText } from "./support/Peer.ts"
import { type Server, serve } from "./support/Programs.ts"
import { held, statsOf } from "./support/Stats.ts"
import { standstill, until } from "./support/Until.ts"

const highMark = 65_536
const piece = 16_384
/** The size and the line ends of a chunk (RFC 9112 §7.1) that a piece becomes. */
const chunkFraming = 16

/** What the allocator and the collector may take beyond what is held. */
const slack = 16 * mebibyte

/** Looks, each answered by the server, in which nothing may change any more. */
const looks = 30

/** Loads what is loaded at a first request, so that it does not count as growth. */
const warmUp = ({ port }: Server) =>
  Effect.forEach(Array.from({ length: 200 }), () => fetchText(port, "/"), { discard: true, concurrency: 10 })

/** How much more memory a process had at its peak, during something, than at the beginning of it. */
const growthDuring = <A, E, R>(server: Server, effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    yield* forgetPeak(server.pid)
    const before = yield* peak(server.pid)
    const value = yield* effect
    return [value, (yield* peak(server.pid)) - before] as const
  })

const uploadSize = 1024 * mebibyte
const uploadPiece = Buffer.alloc(65_536, "x")

const beginUpload = (peer: Peer, path: string): void =>
  peer.send(`POST ${path} HTTP/1.1\r\nHost: test\r\nContent-Length: ${uploadSize}\r\n\r\n`)

/** Writes the body as fast as the system takes it. */
const upload = ({ socket }: Peer): void => {
  let left = uploadSize
  const write = (): void => {
    let hasRoom = true
    while (hasRoom && left > 0 && !socket.destroyed) {
      left -= uploadPiece.length
      hasRoom = socket.write(uploadPiece)
    }
  }
  socket.on("drain", write)
  write()
}

/** Bytes that the system has taken from a peer. */
const taken = ({ socket }: Peer) => Effect.sync(() => socket.bytesWritten - socket.writableLength)

describe.skipIf(!isMeasurable)("an upload of 1 GiB", () => {
  it.live("that the application never reads stops its client, and does not grow the process", () =>
    Effect.gen(function* () {
      const server = yield* serve("app", ["--max-body-size", "0"])
      yield* warmUp(server)
      const peer = yield* open(server.port)
      beginUpload(peer, "/ignore")
      const [size, growth] = yield* growthDuring(
        server,
        Effect.suspend(() => {
          upload(peer)
          const look = Effect.andThen(fetchText(server.port, "/"), taken(peer))
          return standstill("the upload", look, looks)
        })
      )
      yield* tell(`unread upload: the client was stopped after ${inMebibytes(size)}, growth ${inMebibytes(growth)}`)
      assert.isAbove(size, highMark)
      assert.isBelow(size, 64 * mebibyte, "the client was stopped")
      assert.isBelow(growth, slack)
      assert.match(yield* fetchText(server.port, "/"), /^HTTP\/1\.1 200 /)
    })
  )

  it.live("that the application answers unread is read to its end, and does not grow the process", () =>
    Effect.gen(function* () {
      const server = yield* serve("app", ["--max-body-size", "0"])
      yield* warmUp(server)
      const peer = (yield* open(server.port)).read()
      beginUpload(peer, "/")
      assert.match((yield* peer.response) ?? "", /^HTTP\/1\.1 200 /)
      const [, growth] = yield* growthDuring(
        server,
        Effect.suspend(() => {
          upload(peer)
          return until(
            "the upload is taken",
            Effect.map(taken(peer), (size) => size > uploadSize)
          )
        })
      )
      yield* tell(`unwanted upload: growth ${inMebibytes(growth)}`)
      assert.isBelow(growth, slack)
      peer.send(requestText("/"))
      assert.match((yield* peer.response) ?? "", /^HTTP\/1\.1 200 /)
    })
  )
})

describe.skipIf(!isMeasurable)("endless responses", () => {
  for (const count of [1, 50]) {
    it.live(`to ${count} that read nothing: no more than the high mark and a piece waits for each`, () =>
      Effect.gen(function* () {
        const server = yield* serve("app")
        yield* warmUp(server)
        const stats = statsOf(server.port)
        const fill = Effect.gen(function* () {
          const peers = yield* Effect.forEach(Array.from({ length: count }), () => open(server.port))
          for (const peer of peers) peer.send(requestText("/endless"))
          yield* until(
            "all responses have begun",
            Effect.map(stats, ({ streams }) => streams === count)
          )
          yield* standstill(
            "what is sent",
            Effect.map(stats, ({ pieces }) => pieces),
            looks
          )
          return peers
        })
        const idle = yield* held(server)
        // Of what went through until the system's own buffers were full, the allocator keeps an amount that differs from
        // run to run. The first time takes that, and the second must not take it again.
        const before = yield* Effect.scoped(Effect.andThen(fill, held(server)))
        yield* until(
          "all responses have ended",
          Effect.map(stats, ({ streams }) => streams === 0)
        )
        const peers = yield* fill
        const after = yield* held(server)
        const used = after.used - idle.used
        const resident = after.resident - before.resident
        const { maximum, pieces } = yield* stats
        yield* tell(`${count} endless: ${pieces} pieces, at most ${maximum} bytes buffered`)
        yield* tell(
          `${count} endless: growth in use ${inMebibytes(used)}, resident ${inMebibytes(before.resident - idle.resident)}, then ${inMebibytes(resident)} more`
        )
        assert.isAbove(maximum, highMark, "the high mark was reached")
        assert.isAtMost(maximum, highMark + piece + chunkFraming)
        assert.isBelow(used, count * (highMark + piece) + 2 * mebibyte)
        assert.isBelow(resident, count * (highMark + piece) + slack)

        // Whoever reads at last, is sent more.
        const reader = peers[0]?.read()
        yield* until(
          "the reader gets more than was buffered anywhere",
          Effect.sync(() => (reader?.received ?? 0) > 64 * mebibyte)
        )
        reader?.socket.destroy()
        yield* until(
          "its response has ended",
          Effect.map(stats, ({ streams }) => streams === count - 1)
        )
        assert.isAtMost((yield* stats).maximum, highMark + piece + chunkFraming)
      })
    )
  }

  it.live("are given up when nothing is read within the time limit", () =>
    Effect.gen(function* () {
      const server = yield* serve("app", ["--write-timeout", "1"])
      const peers = yield* Effect.forEach(Array.from({ length: 10 }), () => open(server.port))
      for (const peer of peers) peer.send(requestText("/endless"))
      // The first may have ended when the last begins.
      yield* until(
        "all responses have begun, and ended",
        Effect.map(statsOf(server.port), ({ begun, streams }) => begun === peers.length && streams === 0)
      )
    })
  )
})

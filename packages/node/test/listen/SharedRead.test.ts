import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { createServer, type Server, type Socket } from "node:net"
import { type AcceptedSocket, acceptSockets, readPastStream } from "../../src/listen/SharedRead.ts"
import { open } from "../support/Client.ts"
import { until } from "../support/Until.ts"

const listening = (server: Server): Effect.Effect<number> =>
  Effect.callback((resume) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0))
    })
  })

/** Accepts one connection; `before` takes over before the server listens, when it has no handle yet. */
const acceptOne = (before: boolean) =>
  Effect.gen(function* () {
    const accepted: Array<AcceptedSocket> = []
    const server = createServer({ allowHalfOpen: true, noDelay: true })
    yield* Effect.addFinalizer(() => Effect.sync(() => server.close()))
    if (before) acceptSockets(server, (socket) => accepted.push(socket))
    const port = yield* listening(server)
    if (!before) acceptSockets(server, (socket) => accepted.push(socket))
    const client = yield* open(port)
    yield* until("the connection is accepted", () => accepted.length === 1)
    const [first] = accepted
    if (first === undefined) return yield* Effect.die("nothing was accepted")
    yield* Effect.addFinalizer(() => Effect.sync(() => first.socket.destroy()))
    return { ...first, client }
  })

describe("accepted sockets", () => {
  it.live("read into one buffer on this version of Node", () =>
    Effect.gen(function* () {
      const { client, slot, socket } = yield* acceptOne(false)
      assert.isDefined(slot)
      const buffers = new Set<ArrayBufferLike>()
      let text = ""
      if (slot !== undefined) {
        slot.reader = {
          isDiscarding: false,
          onRead: (bytes) => {
            buffers.add(bytes.buffer)
            text += Buffer.from(bytes).toString()
          },
          onEnd: () => {},
          onError: () => {},
          onClosed: () => {}
        }
      }
      client.send("one")
      yield* until("it arrives", () => text === "one")
      client.send("two")
      yield* until("it arrives", () => text === "onetwo")
      assert.strictEqual(buffers.size, 1)
      socket.end("bye")
      yield* client.ended
      assert.strictEqual(client.text, "bye")
    })
  )

  it.live("emit data events where the server has no handle to take over", () =>
    Effect.gen(function* () {
      const { client, slot, socket } = yield* acceptOne(true)
      assert.isUndefined(slot)
      let text = ""
      socket.on("data", (bytes) => (text += String(bytes)))
      client.send("one")
      yield* until("it arrives", () => text === "one")
    })
  )

  it.live("leave failures to accept to the server, which tells its listeners", () =>
    Effect.gen(function* () {
      const server = createServer()
      yield* Effect.addFinalizer(() => Effect.sync(() => server.close()))
      yield* listening(server)
      acceptSockets(server, () => assert.fail("there is no connection"))
      const errors: Array<unknown> = []
      server.on("error", (error) => errors.push("code" in error ? error.code : error))
      const { _handle } = server as unknown as { readonly _handle: { onconnection: (status: number) => void } } // internal
      const outOfBuffers = -105
      _handle.onconnection(outOfBuffers)
      assert.deepStrictEqual(errors, ["ENOBUFS"])
    })
  )
})

describe("reading past a stream", () => {
  /** A socket over a handle that tells `told` bytes more than it gives. */
  const make = (told = 0) => {
    const usual: Array<number | undefined> = []
    const past: Array<number> = []
    const handle = {
      bytesRead: 100,
      onread: (bytes: ArrayBuffer | undefined): unknown => usual.push(bytes?.byteLength)
    }
    const socket = { _handle: handle, readableFlowing: true, readableLength: 0 }
    // As much of a socket as is used.
    readPastStream(socket as unknown as Socket, (bytes) => past.push(bytes.length))
    const read = (length: number): void => {
      handle.bytesRead += length + told
      handle.onread(new ArrayBuffer(length))
    }
    return { handle, past, read, socket, usual }
  }

  it("is done while it flows and holds nothing back", () => {
    const { handle, past, read, socket, usual } = make()
    read(1)
    socket.readableFlowing = false
    read(2)
    socket.readableFlowing = true
    socket.readableLength = 2
    read(3)
    socket.readableLength = 0
    read(4)
    handle.onread(undefined)
    assert.deepStrictEqual(
      [past, usual],
      [
        [1, 4],
        [2, 3, undefined]
      ]
    )
  })

  it("is not done where other bytes come than were read", () => {
    const { past, read, usual } = make(1)
    read(5)
    assert.deepStrictEqual([past, usual], [[], [5]])
  })

  it("is not tried where there is no such handle", () => {
    for (const handle of [null, undefined, {}, { bytesRead: 0 }]) {
      readPastStream({ _handle: handle } as unknown as Socket, () => {})
      assert.notProperty(handle ?? {}, "onread")
    }
  })
})

import { assert, describe, it } from "@effect/vitest"
import * as PagiApp from "@pagi/core/PagiApp"
import type { ServerContext } from "@pagi/core/server/ServerContext"
import * as TestServer from "@pagi/core/testing/TestServer"
import type { Transport } from "@pagi/core/Transport"
import * as Effect from "effect/Effect"
import { Socket } from "node:net"
import { TLSSocket } from "node:tls"
import type { Acceptor, Carrier, Refusal, Shortage } from "../../src/accept/Listener.ts"
import { makeSocketAcceptor } from "../../src/connection/SocketAcceptor.ts"
import { TlsConnection } from "../../src/tls/TlsConnection.ts"
import { answer } from "../support/Server.ts"

const textOf = (shortage: Shortage | undefined) =>
  shortage === undefined ? "" : `, ${shortage.limit} for ${shortage.room}`

/** Writes down what becomes of clients. */
class Recorder implements Acceptor {
  readonly server: ServerContext
  readonly alpn = []
  readonly calls: Array<string> = []
  isFull = false
  hasRoomForRefusals = true

  constructor(server: ServerContext) {
    this.server = server
  }

  admit(): boolean {
    this.calls.push("admit")
    return !this.isFull
  }

  serve({ client, secure }: Transport, alpn?: string): void {
    this.calls.push(`serve ${client?.[0]}${secure ? " by TLS" : ""} in ${alpn}`)
  }

  refuse({ client }: Transport, _alpn?: string, shortage?: Shortage): void {
    this.calls.push(`refuse ${client?.[0]}${textOf(shortage)}`)
  }

  refuseLater({ client, server }: Carrier, shortage?: Shortage): Refusal | undefined {
    this.calls.push(`refuse later ${client?.[0]} at ${server?.[1]}${textOf(shortage)}`)
    if (!this.hasRoomForRefusals) return undefined
    return {
      answer: ({ secure }, alpn) => this.calls.push(`answer${secure ? " by TLS" : ""} in ${alpn}`),
      end: () => this.calls.push("end")
    }
  }
}

/** A socket as of a client that has connected. */
const connected = (): Socket =>
  Object.defineProperties(new Socket(), { remoteAddress: { value: "192.0.2.1" }, remotePort: { value: 50_000 } })

/** Sockets that are accepted, when there are too few descriptors or enough, and handshakes that succeed at once. */
const setUp = (overTls: boolean) =>
  Effect.gen(function* () {
    const { server } = yield* TestServer.make(PagiApp.make({ http: answer("") }))
    const acceptor = new Recorder(server)
    const descriptors = { reserve: 8, isShort: false, isReached: () => descriptors.isShort }
    const shakeHands = (carrier: Socket, onSecure: (socket: TLSSocket, tls: TlsConnection) => void): void => {
      acceptor.calls.push("handshake")
      const secure = Object.assign(new TLSSocket(carrier), { alpnProtocol: "h2" })
      onSecure(secure, new TlsConnection(secure, carrier, false, () => ""))
    }
    const handshakes = overTls ? { accept: shakeHands, begin: shakeHands } : undefined
    const onSocket = makeSocketAcceptor(acceptor, descriptors, handshakes)
    /** What becomes of a client. */
    const accept = (socket = connected()): ReadonlyArray<string> => {
      onSocket({ socket, slot: undefined, descriptor: 3 }, ["127.0.0.1", 5000])
      return acceptor.calls.splice(0)
    }
    return { accept, acceptor, descriptors }
  })

describe("the clients of sockets", () => {
  it.effect("are served where there is room", () =>
    Effect.gen(function* () {
      const { accept, acceptor } = yield* setUp(false)
      assert.deepStrictEqual(accept(), ["admit", "serve 192.0.2.1 in undefined"])
      acceptor.isFull = true
      assert.deepStrictEqual(accept(), ["admit", "refuse 192.0.2.1"])
    })
  )

  it.effect("are turned away unasked where descriptors are short, by half of what is left", () =>
    Effect.gen(function* () {
      const { accept, descriptors } = yield* setUp(false)
      descriptors.isShort = true
      assert.deepStrictEqual(accept(), ["refuse 192.0.2.1, openFiles for 4"])
    })
  )

  it.effect("are served over TLS after their handshakes", () =>
    Effect.gen(function* () {
      const { accept } = yield* setUp(true)
      assert.deepStrictEqual(accept(), ["admit", "handshake", "serve 192.0.2.1 by TLS in h2"])
    })
  )

  it.effect("are turned away over TLS after their handshakes, and are known until their sockets have closed", () =>
    Effect.gen(function* () {
      const { accept, acceptor, descriptors } = yield* setUp(true)
      acceptor.isFull = true
      assert.deepStrictEqual(accept(), ["admit", "refuse later 192.0.2.1 at 5000", "handshake", "answer by TLS in h2"])
      descriptors.isShort = true
      const socket = connected()
      assert.deepStrictEqual(accept(socket), [
        "refuse later 192.0.2.1 at 5000, openFiles for 4",
        "handshake",
        "answer by TLS in h2"
      ])
      socket.emit("close", false)
      assert.deepStrictEqual(acceptor.calls, ["end"])
    })
  )

  it.effect("are closed without a handshake where there is no room for that", () =>
    Effect.gen(function* () {
      const { accept, acceptor } = yield* setUp(true)
      acceptor.isFull = true
      acceptor.hasRoomForRefusals = false
      const socket = connected()
      assert.deepStrictEqual(accept(socket), ["admit", "refuse later 192.0.2.1 at 5000"])
      assert.isTrue(socket.destroyed)
    })
  )
})

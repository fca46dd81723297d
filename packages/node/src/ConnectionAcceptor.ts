import { Deadline } from "@pagi/core/Deadlines"
import type { ServerContext } from "@pagi/core/ServerContext"
import { Http1Driver } from "@pagi/http1/Http1Driver"
import { makeSettings } from "@pagi/http1/Http1Settings"
import { errorResponse } from "@pagi/http1/protocol/ErrorResponse"
import * as Effect from "effect/Effect"
import * as EffectScope from "effect/Scope"
import type { Socket } from "node:net"
import type { TcpListenerOptions } from "./Listener.ts"
import { NetTransport } from "./NetTransport.ts"
import { TurnQueue } from "./TurnQueue.ts"

/** Seconds after which a client that was turned away may try again (RFC 9110 §10.2.3). */
const retryAfter = "1"

/** Ticks that a client that was turned away has to close its side. */
const lingerTicks = 10

/** Makes a connection of each accepted socket, in a scope below the listener's; beyond the limit it answers 503. */
export const makeAcceptor = (
  server: ServerContext,
  listenerScope: EffectScope.Scope
): TcpListenerOptions["onConnection"] => {
  const settings = makeSettings(server)
  const turns = new TurnQueue()
  const rejections = new Rejections(server)
  Effect.runSync(
    EffectScope.addFinalizer(
      listenerScope,
      Effect.sync(() => {
        server.registry.abort("server_shutdown")
        rejections.destroy()
      })
    )
  )
  return (accepted, address) => {
    if (server.registry.size >= server.options.maxConnections) return rejections.add(accepted.socket)
    new Http1Driver(settings, new NetTransport(accepted, address, turns), listenerScope)
  }
}

/**
 * The clients that were turned away. Their requests are read and discarded for a while, since a reset for unread bytes
 * could destroy the answer on its way (RFC 9112 §9.6).
 */
class Rejections {
  readonly #server: ServerContext
  readonly #sockets = new Set<Socket>()

  constructor(server: ServerContext) {
    this.#server = server
  }

  add(socket: Socket): void {
    socket.on("error", () => {}) // Whatever it is, there is nobody to tell.
    if (this.#sockets.size < this.#server.options.maxConnections) this.#linger(socket)
    socket.end(this.#answer(), "latin1", () => {
      if (!this.#sockets.has(socket)) socket.destroy()
    })
  }

  destroy(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  #linger(socket: Socket): void {
    const deadline = new Deadline(this.#server.deadlines, { onDeadline: () => socket.destroy() })
    deadline.start(lingerTicks)
    this.#sockets.add(socket)
    socket.on("close", () => {
      deadline.release()
      this.#sockets.delete(socket)
    })
    socket.resume()
  }

  #answer(): string {
    return errorResponse(503, "the server is at capacity", this.#server.date.value, {
      headers: [["retry-after", retryAfter]]
    })
  }
}

/** A WebSocket session as Effect's `Socket`. */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Headers from "effect/http/Headers"
import type { HttpServerError } from "effect/http/HttpServerError"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Latch from "effect/Latch"
import * as Scope from "effect/Scope"
import * as Socket from "effect/socket/Socket"
import type { WebSocketReceiveEvent, WebSocketSendEvent } from "../contract/Event.ts"
import type { Receive, Send } from "../contract/PagiApp.ts"
import type { SendError } from "../contract/SendError.ts"
import type { TransportState } from "../contract/TransportState.ts"
import type { HandshakeWatch } from "./HandshakeWatch.ts"

/** What is known of an upgrade to all views of the request. */
export interface UpgradeState {
  /** What middleware is told that the request was answered with, once the session is accepted. */
  upgraded: HttpServerResponse.HttpServerResponse | undefined
}

type Frames = NonEmptyReadonlyArray<Uint8Array | string>

const closed = (code: number, closeReason?: string): Socket.SocketError =>
  new Socket.SocketError({
    reason: new Socket.SocketCloseError(
      closeReason === undefined || closeReason === "" ? { code } : { code, closeReason }
    )
  })

const writeError = (cause: SendError): Socket.SocketError =>
  new Socket.SocketError({ reason: new Socket.SocketWriteError({ cause }) })

const openError = (cause: unknown): Socket.SocketError =>
  new Socket.SocketError({ reason: new Socket.SocketOpenError({ kind: "Unknown", cause }) })

/** As NodeHttpServer: a program that fails says so (RFC 6455 §7.4.1), one that is interrupted goes away. */
const closeCode = (exit: Exit.Exit<unknown, unknown>): number =>
  Exit.isSuccess(exit) ? 1000 : Cause.hasInterruptsOnly(exit.cause) ? 1001 : 1011

const subprotocolField = "sec-websocket-protocol"

/** The subprotocol that is chosen has an event's property of its own. */
const acceptanceOf = (
  input: Headers.Input | undefined
): Omit<WebSocketSendEvent & { type: "websocket.accept" }, "type"> => {
  const headers = Headers.fromInput(input)
  const subprotocol = headers[subprotocolField]
  const fields = Object.entries(headers).filter(([name]) => name !== subprotocolField)
  return { headers: fields, ...(subprotocol === undefined ? {} : { subprotocol }) }
}

/**
 * The session is accepted when the reader is acquired, and closed when its scope closes. `headers` are fields of the
 * head that accepts; with `sec-websocket-protocol` among them the program chooses one of the offered subprotocols.
 */
export const make = (
  watch: HandshakeWatch,
  receive: Receive<WebSocketReceiveEvent>,
  send: Send<WebSocketSendEvent>,
  transport: TransportState,
  state: UpgradeState,
  headers: Headers.Input | undefined
): Effect.Effect<Socket.Socket, HttpServerError> =>
  Effect.sync(() => {
    const open = Latch.makeUnsafe(false)
    const accept = Effect.gen(function* () {
      if (state.upgraded !== undefined)
        return yield* Effect.fail(openError(new Error("the handshake is accepted already")))
      yield* watch.end
      yield* Effect.mapError(send({ type: "websocket.accept", ...acceptanceOf(headers) }), openError)
      state.upgraded = HttpServerResponse.empty({ status: 101 })
      yield* open.open
    })
    const next = Effect.flatMap(receive, (event): Effect.Effect<Frames, Socket.SocketError> =>
      event.type === "websocket.receive"
        ? Effect.succeed([event.text ?? event.bytes])
        : event.type === "websocket.disconnect"
          ? Effect.fail(closed(event.code, event.reason))
          : Effect.die("a session is connected once")
    )
    const reader = Effect.gen(function* () {
      const scope = yield* Effect.scope
      yield* accept
      const end = yield* Deferred.make<never, Socket.SocketError>()
      yield* Scope.addFinalizerExit(scope, (exit) =>
        Effect.andThen(
          Deferred.fail(end, closed(1006)),
          Effect.ignore(send({ type: "websocket.close", code: closeCode(exit) }))
        )
      )
      // A pull that waits when the scope closes fails.
      const pull = Effect.raceFirst(next, Deferred.await(end))
      return { pull, upgrade: Socket.SocketUpgradeError.unsupported }
    })
    const sendFrame = (frame: Uint8Array | string | Socket.CloseEvent): Effect.Effect<void, SendError> => {
      if (typeof frame === "string") return send({ type: "websocket.send", text: frame })
      if (!Socket.isCloseEvent(frame)) return send({ type: "websocket.send", bytes: frame })
      return send({ type: "websocket.close", code: frame.code, reason: frame.reason ?? "" })
    }
    // What is written to a client that has gone is lost, so that what it has sent before can be dealt with, until the
    // program should have ended: one that cannot be interrupted, and never reads, would not find out otherwise.
    const isUnattended = () => "isUnattended" in transport && transport.isUnattended === true
    const write = (frame: Uint8Array | string | Socket.CloseEvent): Effect.Effect<void, Socket.SocketError> =>
      open.whenOpen(
        Effect.suspend(() => {
          const sent = Effect.mapError(sendFrame(frame), writeError)
          return isUnattended() ? Effect.andThen(sent, Effect.fail(closed(1006))) : sent
        })
      )
    const writeAll = (frames: Frames): Effect.Effect<void, Socket.SocketError> =>
      Effect.forEach(frames, write, { discard: true })
    return Socket.make({ reader, writer: Effect.succeed({ write, writeAll }) })
  })

import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Socket from "effect/socket/Socket"
import { BridgeWebSocket } from "../bridge/BridgeWebSocket.ts"
import type { DisconnectReason } from "../contract/DisconnectReason.ts"
import { drainTicks, type ExchangeOptions } from "../exchange/Exchange.ts"
import type { WebSocketChannel } from "../exchange/WebSocket.ts"
import { closeFrameProblem } from "../http/CloseCode.ts"
import type { HeaderBlock } from "../http/HeaderBlock.ts"
import { Deadline, tickMillis } from "../server/Deadlines.ts"
import * as MountedResponse from "./MountedResponse.ts"
import { isHandshake } from "../httpEffect/OwnRequest.ts"
import { Waiter } from "../contract/Waiter.ts"

/** There was no close frame (RFC 6455 §7.1.5). */
const abnormalCode = 1006

/** Bytes of messages that wait for the application, beyond which no more are taken from the socket. */
const maxQueuedBytes = 65_536

const secondsOf = (ticks: number): number => (ticks * tickMillis) / 1000

type Frames = ReadonlyArray<Uint8Array | string>

/** A WebSocket handshake that comes from Effect's HTTP server, and the session over the `Socket` that it becomes. */
export class MountedSocket extends BridgeWebSocket {
  readonly changes: Waiter = new Waiter()
  /** Is told that the application takes messages. */
  readonly #taken = new Waiter()
  /** Is told that there is something to write. */
  readonly #toWrite = new Waiter()
  readonly #request: HttpServerRequest
  readonly #context: Context.Context<never>
  readonly #maxQueued: number
  readonly #drain: Deadline
  #isDraining = false
  /** Why the server around the application has to answer the handshake, or to break off the response to it. */
  failure: Cause.Cause<unknown> | undefined = undefined
  #socket: Socket.Socket
  /** Bytes of the message that is being written. */
  #writing = 0
  #closing: Socket.CloseEvent | undefined = undefined
  /** Has the client pinged, once there is a session. */
  #keepalive: Effect.Effect<void> | undefined = undefined

  /** `socket` is the one that the request becomes when nothing special is asked for; `maxQueued` counts messages. */
  constructor(
    request: HttpServerRequest,
    subprotocols: ReadonlyArray<string>,
    options: ExchangeOptions,
    context: Context.Context<never>,
    socket: Socket.Socket,
    maxQueued: number
  ) {
    super(options, subprotocols)
    this.#request = request
    this.#context = context
    this.#socket = socket
    this.#maxQueued = maxQueued
    this.#drain = new Deadline(options.deadlines, { onDeadline: () => this.abort("server_shutdown") })
  }

  // from the server --------------------------------------------------------------------------------------------------

  drain(): void {
    this.#isDraining = true
    if (this.accepted !== undefined) this.#drain.start(drainTicks)
  }

  abort(reason: DisconnectReason): void {
    this.#closing ??= new Socket.CloseEvent(1001, "the server is shutting down")
    this.disconnect(reason, 1001)
  }

  /** The session is given up. */
  disconnect(reason: DisconnectReason, code: number = abnormalCode): void {
    if (this.accepted === undefined) this.response.breakOff("disconnected", reason)
    else this.exchange.disconnect(reason, code)
    this.#drain.release()
    this.#notify()
  }

  #notify(): void {
    this.changes.notify()
    this.#toWrite.notify()
    this.#taken.notify()
  }

  // from the exchange ------------------------------------------------------------------------------------------------

  override get bufferedAmount(): number {
    return super.bufferedAmount + this.#writing
  }

  override acceptWebSocket(subprotocol: string | undefined, headers: HeaderBlock): WebSocketChannel | string {
    const channel = super.acceptWebSocket(subprotocol, headers)
    if (typeof channel === "string") return channel
    const problem = this.#choose(subprotocol, headers)
    if (problem === undefined) return channel
    this.accepted = undefined
    return problem
  }

  /** Has the handshake accepted with what the application says; answers why the server around it cannot do that. */
  #choose(subprotocol: string | undefined, headers: HeaderBlock): string | undefined {
    const fields = subprotocol === undefined ? headers : [...headers, ["sec-websocket-protocol", subprotocol] as const]
    if (fields.length === 0) return undefined
    const exit = Effect.runSyncExitWith(this.#context)(
      this.#request.upgradeWith({ headers: Object.fromEntries(fields) })
    )
    if (Exit.isSuccess(exit)) {
      this.#socket = exit.value
      return undefined
    }
    // What such a server chooses by itself.
    if (headers.length === 0 && subprotocol === this.exchange.subprotocols[0]) return undefined
    const error = Cause.squash(exit.cause)
    return `the server around the application refuses it: ${error instanceof Error ? error.message : String(error)}`
  }

  override begin(): void {
    if (this.#isDraining) this.drain()
    super.begin()
  }

  override send(message: string | Uint8Array): void {
    super.send(message)
    this.#toWrite.notify()
  }

  close(code: number, reason: string): string | undefined {
    const problem = closeFrameProblem(code, reason)
    if (problem !== undefined) return problem
    this.#closing ??= new Socket.CloseEvent(code, reason)
    this.#toWrite.notify()
    // What still comes is dropped.
    this.#taken.notify()
    return undefined
  }

  keepAlive(intervalTicks: number, timeoutTicks: number): string | undefined {
    const { source } = this.#request
    if (!isHandshake(source)) return "the server around the application has no pings"
    this.#keepalive = Effect.ignore(source.keepAlive(secondsOf(intervalTicks), secondsOf(timeoutTicks)))
    this.#toWrite.notify()
    return undefined
  }

  override onTaken(): void {
    this.#taken.notify()
  }

  /** A failure that no session can end with is one of the handler that the application is to the server around it. */
  override onApplicationExit(exit: Exit.Exit<unknown, unknown>): void {
    if (Exit.isFailure(exit) && this.accepted === undefined && this.response.status === "open") {
      this.failure = exit.cause
      this.response.withdraw()
      this.exchange.disconnect("server_error")
    }
    super.onApplicationExit(exit)
    this.#notify()
  }

  // for the request --------------------------------------------------------------------------------------------------

  /** The response in place of a session, or the end of the session, whose response nobody gets. */
  readonly answered: Effect.Effect<HttpServerResponse.HttpServerResponse, unknown> = Effect.flatten(
    this.changes.when(() => {
      if (this.accepted !== undefined) return Effect.succeed(Effect.as(this.#session, HttpServerResponse.empty()))
      const { head, status } = this.response
      if (head === undefined && this.failure !== undefined) return Effect.failCause(this.failure)
      if (head !== undefined)
        return Effect.succeed(Effect.succeed(MountedResponse.make(this, head, { trailers: false })))
      if (status === "open" || status === "complete") return undefined
      return Effect.succeed(Effect.succeed(HttpServerResponse.empty({ status: 503 })))
    })
  )

  /** Completes when the application has ended, with its finalizers. */
  readonly ended: Effect.Effect<void> = this.changes.when(() => (this.exit === undefined ? undefined : Effect.void))

  // the session ------------------------------------------------------------------------------------------------------

  /** Acquiring the reader is what completes the handshake. */
  readonly #session: Effect.Effect<void> = Effect.suspend(() => {
    const socket = this.#socket
    return Effect.gen({ self: this }, function* () {
      const { pull } = yield* socket.reader
      const writer = yield* socket.writer
      yield* Effect.forkScoped(Effect.ignore(this.#write(writer)))
      yield* this.#read(pull)
    }).pipe(
      Effect.scoped,
      Effect.catch((error) => Effect.sync(() => this.#end(error)))
    )
  })

  /** How the session has ended: by a closing handshake, or without one. */
  #end({ reason }: Socket.SocketError): void {
    const closed = reason._tag === "SocketCloseError" ? reason : { code: abnormalCode, closeReason: undefined }
    if (closed.code === abnormalCode) this.disconnect("client_closed")
    else this.exchange.finish(closed.code, closed.closeReason ?? "")
    this.#drain.release()
    this.#notify()
  }

  /** Hands on messages. Fails when the session has ended. */
  #read(pull: Effect.Effect<Frames, Socket.SocketError>): Effect.Effect<never, Socket.SocketError> {
    return Effect.forever(
      Effect.flatMap(pull, (frames) =>
        Effect.forEach(
          frames,
          (frame) =>
            Effect.andThen(
              this.#hasRoom,
              Effect.sync(() => this.#deliver(frame))
            ),
          {
            discard: true
          }
        )
      ),
      { disableYield: true }
    )
  }

  #deliver(frame: Uint8Array | string): void {
    if (this.#closing === undefined) this.exchange.deliver(frame)
  }

  /** A client that sends faster than the application receives has to wait. */
  readonly #hasRoom: Effect.Effect<void> = this.#taken.when(() => {
    const { queuedBytes, queuedMessages } = this.exchange
    const isFull = queuedBytes > maxQueuedBytes || queuedMessages > this.#maxQueued
    return isFull && this.#closing === undefined ? undefined : Effect.void
  })

  #write(writer: Socket.Writer): Effect.Effect<void, Socket.SocketError> {
    const writeNext = this.#toWrite.when(() => {
      const keepalive = this.#keepalive
      this.#keepalive = undefined
      if (keepalive !== undefined) return Effect.as(keepalive, true)
      const message = this.take()
      if (message !== undefined) return this.#writeMessage(writer, message)
      return this.#closing === undefined ? undefined : Effect.as(writer.write(this.#closing), false)
    })
    return Effect.flatMap(writeNext, (goesOn) => (goesOn ? this.#write(writer) : Effect.void))
  }

  #writeMessage(writer: Socket.Writer, message: string | Uint8Array): Effect.Effect<true, Socket.SocketError> {
    return Effect.suspend(() => {
      this.#writing = message.length
      return Effect.map(writer.write(message), () => {
        this.#writing = 0
        this.exchange.writeBuffer.update()
        return true as const
      })
    })
  }
}

/** WebSocket over HTTP/2 (RFC 8441) with Node's client of HTTP/2, and frames by hand. */
import type { WebSocketHandler } from "@pagi/core/PagiApp"
import type * as ServerOptions from "@pagi/core/ServerOptions"
import * as Effect from "effect/Effect"
import type { ClientHttp2Session, ClientHttp2Stream, Settings } from "node:http2"
import { openSession } from "./HttpSuiteClient.ts"
import { tcpTarget } from "./HttpSuiteWay.ts"
import { onStillClock } from "./Pace.ts"
import { frame, readFrames, type ServerFrame } from "./RawFrames.ts"
import { until } from "./Until.ts"
import { serveWebSocket } from "./WebSocketServer.ts"

export const TEXT = 1
export const BINARY = 2
export const CLOSE = 8

const closePayload = (code: number, reason: string): Buffer => {
  const payload = Buffer.alloc(2 + reason.length, `\0\0${reason}`)
  payload.writeUInt16BE(code)
  return payload
}

/** A session on a stream, and everything that has happened to it. */
export class Http2WebSocket {
  readonly stream: ClientHttp2Stream
  status: number | undefined = undefined
  hasEnded = false
  /** How the stream was closed, once it is. */
  code: number | undefined = undefined
  readonly #pieces: Array<Buffer> = []
  #frames: ReadonlyArray<ServerFrame> | undefined = undefined

  /** `fields` are further ones of the handshake. */
  constructor(session: ClientHttp2Session, fields: Readonly<Record<string, string | Array<string>>> = {}) {
    const stream = session.request(
      {
        ...fields,
        ":method": "CONNECT",
        ":protocol": "websocket",
        ":scheme": "http",
        ":path": "/",
        ":authority": "test",
        "sec-websocket-version": "13"
      },
      { endStream: false }
    )
    stream.on("response", (headers) => {
      this.status = headers[":status"]
    })
    stream.on("data", (bytes: Buffer) => {
      this.#pieces.push(bytes)
      this.#frames = undefined
    })
    stream.on("end", () => {
      this.hasEnded = true
    })
    stream.on("error", () => {}) // Its code tells.
    stream.on("close", () => {
      this.code = stream.rstCode
    })
    this.stream = stream
  }

  /** The whole frames that have come. */
  get frames(): ReadonlyArray<ServerFrame> {
    return (this.#frames ??= readFrames(Buffer.concat(this.#pieces)))
  }

  /** The messages among them: text as a string, bytes as an array. */
  get messages(): ReadonlyArray<string | Buffer> {
    return this.frames
      .filter(({ opcode }) => opcode === TEXT || opcode === BINARY)
      .map(({ opcode, payload }) => (opcode === TEXT ? payload.toString() : payload))
  }

  /** The server's close frame, once it has come. */
  get closing(): { readonly code: number; readonly reason: string } | undefined {
    const payload = this.frames.find(({ opcode }) => opcode === CLOSE)?.payload
    return payload && { code: payload.readUInt16BE(0), reason: payload.subarray(2).toString() }
  }

  send(message: string | Buffer): void {
    if (typeof message === "string") this.stream.write(frame(TEXT, Buffer.from(message)))
    else this.stream.write(frame(BINARY, message))
  }

  sendClose(code = 1000, reason = ""): void {
    this.stream.write(frame(CLOSE, closePayload(code, reason)))
  }

  readonly opened: Effect.Effect<void> = until("the session opens", () => this.status === 200)
  readonly answered: Effect.Effect<void> = until(
    "the handshake is answered",
    () => this.status !== undefined || this.code !== undefined
  )
  readonly serverClosed: Effect.Effect<void> = until("the server's close frame", () => this.closing !== undefined)
  readonly ended: Effect.Effect<void> = until("the server's side ends", () => this.hasEnded)
  readonly closed: Effect.Effect<void> = until("the stream closes", () => this.code !== undefined)

  readonly received = (count: number): Effect.Effect<void> =>
    until(`${count} messages arrive`, () => this.messages.length >= count)
}

/** A server with this handler of sessions, on a clock of its own or not, and a connection on which it has offered them. */
export const connect = (
  handler: WebSocketHandler<unknown>,
  options: { readonly server?: ServerOptions.Input; readonly client?: Settings; readonly clock?: "still" } = {}
) =>
  Effect.gen(function* () {
    const serving = serveWebSocket(handler, options.server)
    const server = yield* options.clock === "still" ? onStillClock(serving) : serving
    const session = yield* openSession(tcpTarget(server.port), options.client)
    let isOffered = false
    session.on("remoteSettings", ({ enableConnectProtocol }) => {
      isOffered = enableConnectProtocol === true
    })
    yield* until("WebSockets are offered", () => isOffered)
    return {
      server,
      session,
      open: () => new Http2WebSocket(session),
      /** Connections that the server counts: sessions do as well. */
      count: () => Effect.runSync(server.server.connectionCount)
    }
  })

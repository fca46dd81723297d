import { assert } from "@effect/vitest"
import type { ExchangeEntry } from "@pagi/core/observe/ExchangeRecorder"
import { type ByteString, encodeText, toBytes } from "@pagi/core/bytes/ByteString"
import type { ServerConnection } from "@pagi/core/server/ConnectionRegistry"
import { ConnectionFibers, type ScopedConnection } from "@pagi/core/server/ConnectionFibers"
import type { DisconnectReason } from "@pagi/core/DisconnectReason"
import { type Ending, makeExchangeOptions } from "@pagi/core/exchange/Exchange"
import { type WebSocketChannel, WebSocketExchange, type WebSocketHost } from "@pagi/core/exchange/WebSocket"
import type { HeaderBlock } from "@pagi/core/HeaderBlock"
import * as PagiApp from "@pagi/core/PagiApp"
import type { ResponseSink } from "@pagi/core/exchange/ResponseSink"
import type { InvalidOption } from "@pagi/core/ServerOptions"
import { MemoryTransport, type MemoryTransportOptions } from "@pagi/core/testing/MemoryTransport"
import * as TestServer from "@pagi/core/testing/TestServer"
import type { Transport, TransportHandler } from "@pagi/core/Transport"
import type { UpgradeRequest, WebSocketHandshake } from "@pagi/core/exchange/WebSocketUpgrade"
import * as Effect from "effect/Effect"
import type * as EffectScope from "effect/Scope"
import * as WebSocketUpgrade from "../../src/WebSocketUpgrade.ts"
import { FakePlatform } from "./FakePlatform.ts"
import { SessionPeer } from "./SessionPeer.ts"

export interface ConnectOptions extends MemoryTransportOptions {
  /** Fields of the handshake besides those that every one has. */
  readonly headers?: HeaderBlock
  /** Applications of earlier requests on the connection that run on; `onEarlierEnd` of the connection ends one. */
  readonly earlier?: number
  /** What comes in one read with the handshake. */
  readonly behind?: ByteString
  /** Bytes that were written before the handshake is accepted. */
  readonly unsent?: number
}

/** The offer with which messages are compressed, when the server's option allows it. */
export const offersCompression: ConnectOptions = { headers: [["sec-websocket-extensions", "permessage-deflate"]] }

const handshakeRequest = (headers: HeaderBlock): UpgradeRequest => ({
  method: "GET",
  path: "/chat",
  rawPath: "/chat",
  queryString: "",
  httpVersion: "1.1",
  headers: [
    ["host", "a"],
    ["connection", "Upgrade"],
    ["upgrade", "websocket"],
    ["sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="],
    ["sec-websocket-version", "13"],
    ...headers
  ],
  upgrade: "websocket"
})

/** A response in place of a session, which is only noted. */
class NotedResponse implements ResponseSink {
  status: number | undefined = undefined
  text: ByteString = ""
  readonly carriesBody = true

  start(status: number): undefined {
    this.status = status
  }

  body(data: string | Uint8Array): undefined {
    this.text += typeof data === "string" ? data : encodeText(String(data))
  }

  informational(): undefined {}
  announceBody(): undefined {}
  trailers(): undefined {}
  flush(): undefined {}
  withdraw(): boolean {
    return false
  }
}

/** As much of a driver as a session needs: it has read a handshake, and hands the connection over when it is accepted. */
export class HandshakeDriver implements TransportHandler, WebSocketHost, ServerConnection, ScopedConnection {
  readonly protocol = "http/1.1"
  readonly endReason = "client_closed"
  readonly response = new NotedResponse()
  /** The fields that accepted the handshake. */
  acceptedHead: HeaderBlock | undefined = undefined
  readonly #server: TestServer.TestServer["server"]
  readonly #transport: Transport
  readonly #handshake: WebSocketHandshake
  readonly #fibers: ConnectionFibers
  readonly #exchange: WebSocketExchange
  readonly #entry: ExchangeEntry | undefined
  #received: ByteString
  #session: WebSocketChannel | undefined = undefined
  #isBlocked = false
  #isClosed = false
  #running: number

  constructor(
    { fibers, server }: TestServer.TestServer,
    transport: Transport,
    handshake: WebSocketHandshake,
    { behind = "", earlier = 0, unsent = 0 }: ConnectOptions
  ) {
    this.#received = behind
    this.#server = server
    this.#transport = transport
    this.#handshake = handshake
    this.#running = earlier + 1
    this.#fibers = new ConnectionFibers(fibers, this)
    this.#exchange = new WebSocketExchange(this, makeExchangeOptions(server), handshake.subprotocols)
    server.registry.add(this)
    transport.open(this)
    if (unsent > 0) transport.write("x".repeat(unsent))
    if (unsent > 0) transport.flush()
    const request = { target: "/chat", ...handshakeRequest([]) }
    this.#entry = server.exchanges?.begin(transport, request)
    const fiber = this.#exchange.run(server.runner, this.#exchange.makeScope(server, transport, request))
    if (fiber !== undefined) this.#fibers.add(fiber)
  }

  get bufferedAmount(): number {
    return this.#transport.bufferedAmount
  }

  /** Bytes of the messages that wait for the application. */
  get queuedBytes(): number {
    return this.#exchange.queuedBytes
  }

  acceptWebSocket(subprotocol: string | undefined, headers: HeaderBlock): WebSocketChannel | string {
    const head = this.#handshake.accept(subprotocol, headers)
    this.acceptedHead = head
    this.#entry?.accepted(101, head)
    const session = this.#handshake.open({
      transport: this.#transport,
      exchange: this.#exchange,
      fibers: this.#fibers,
      entry: this.#entry,
      received: toBytes(this.#received),
      isBlocked: this.#isBlocked,
      running: this.#running
    })
    this.#server.registry.replace(this, session)
    this.#session = session
    return session
  }

  /** The application of an earlier request has ended. */
  onEarlierEnd(): void {
    this.#running--
    this.#session?.onApplicationEnd()
  }

  onApplicationEnd(ending: Ending): void {
    this.#running--
    if (ending === "unanswered") this.response.status = 500
    this.#transport.destroy()
    if (this.#isClosed) this.#finish()
  }

  onData(bytes: Uint8Array): void {
    this.#received += String.fromCharCode(...bytes)
  }

  onEnd(): void {
    this.abort("client_closed")
  }

  onFlush(): void {}

  onBlocked(): void {
    this.#isBlocked = true
  }

  onDrain(): void {
    this.#isBlocked = false
  }

  onClose(reason: DisconnectReason | undefined): void {
    this.#isClosed = true
    this.#exchange.disconnect(reason ?? "client_closed")
    if (this.#running === 0) this.#finish()
  }

  drain(): void {}

  abort(reason: DisconnectReason): void {
    this.#exchange.disconnect(reason)
    this.#transport.destroy()
  }

  onScopeClose(): void {
    this.abort("server_shutdown")
  }

  #finish(): void {
    this.#server.registry.remove(this)
    this.#fibers.close()
  }
}

/** A server that knows nothing but WebSocket: every `connect` is a handshake that the application has to answer. */
export interface Harness extends TestServer.TestServer {
  readonly platform: FakePlatform
  readonly connect: (options?: ConnectOptions) => Connected
}

/** A connection, seen from both sides. */
export interface Connected {
  readonly peer: SessionPeer
  readonly transport: MemoryTransport
  readonly driver: HandshakeDriver
}

export const makeHarness = <E, R>(
  websocket: PagiApp.WebSocketHandler<E, R>,
  options: TestServer.TestServerOptions = {}
): Effect.Effect<Harness, InvalidOption, R | EffectScope.Scope> =>
  Effect.gen(function* () {
    const testServer = yield* TestServer.make(PagiApp.make({ websocket }), options)
    const platform = new FakePlatform()
    const upgrade = WebSocketUpgrade.make(testServer.server, platform)
    const connect = (options: ConnectOptions = {}): Connected => {
      const handshake = upgrade.read(handshakeRequest(options.headers ?? []))
      if (handshake?.type !== "handshake") throw new Error(`the handshake was refused: ${handshake?.message}`)
      const transport = new MemoryTransport(options)
      const compression = testServer.server.options.perMessageDeflate && options.headers !== undefined
      const driver = new HandshakeDriver(testServer, transport, handshake, options)
      return { driver, peer: new SessionPeer(transport, compression), transport }
    }
    return { ...testServer, connect, platform }
  })

/** Lets everything happen that needs no time: microtasks, closing connections, fibers that were scheduled. */
export const turn: Effect.Effect<void> = Effect.promise(
  () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)))
)

/** The peers close their sides; then nothing of the connections may be left. */
export const finish = (harness: Harness, ...connections: ReadonlyArray<Pick<Connected, "peer">>): Effect.Effect<void> =>
  Effect.gen(function* () {
    for (const { peer } of connections) peer.end()
    yield* turn
    assertNothingLeft(harness)
  })

export const assertNothingLeft = ({ openScopes, platform, server, untold }: Harness): void => {
  assert.strictEqual(server.registry.size, 0, "connections in the registry")
  assert.strictEqual(openScopes(), 0, "open connection scopes")
  assert.strictEqual(untold.connections, 0, "connections whose end observers were not told")
  assert.strictEqual(server.deadlines.size, 0, "deadlines that are still linked")
  assert.isTrue(
    platform.compressions.every((compression) => compression.isClosed),
    "compression that was not closed"
  )
}

/** What the access log was told, one line for each session. */
export const logLines = ({ log }: Harness): ReadonlyArray<string> =>
  log.map(({ bytes, outcome, status }) => `${status} ${bytes} ${outcome}`)

/** The broken rules and the limits that observers were told of. */
export const problems = ({ events }: Harness): ReadonlyArray<string> =>
  events.filter((event) => /^(error|limit) /.test(event))

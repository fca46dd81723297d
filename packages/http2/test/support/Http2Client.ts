/** A client of HTTP/2, and the driver for it, for the suite that all versions share. */
import type { ByteString } from "@pagi/core/bytes/ByteString"
import type { ClientTransport } from "@pagi/core/test/drivers/support/ClientTransport"
import type {
  Client,
  ClientExchange,
  ClientResponse,
  Fields,
  RequestOptions,
  Version
} from "@pagi/core/test/drivers/support/Version"
import { Http2Driver } from "../../src/Http2Driver.ts"
import { CANCEL } from "../../src/protocol/wire/ErrorCode.ts"
import { initialWindow } from "../../src/protocol/wire/FlowWindow.ts"
import { INITIAL_WINDOW_SIZE } from "../../src/protocol/wire/PeerSettings.ts"
import { makeSettings } from "../../src/stream/DriverOptions.ts"
import { Peer } from "../exchange/support/Peer.ts"

const wideWindow = 2 ** 31 - 1
const frameSize = 16_384

class Http2Exchange implements ClientExchange {
  readonly id: number
  /** Bytes of content that the server lets the client send on the stream. */
  window = initialWindow
  readonly #client: Http2Client
  /** Content that waits for windows. */
  #unsent: ByteString = ""
  /** How the content ends, which has not been sent. */
  #end: { readonly trailers: Fields } | undefined = undefined

  constructor(client: Http2Client, id: number) {
    this.id = id
    this.#client = client
  }

  send(content: ByteString): void {
    this.#unsent += content
    this.proceed()
  }

  end(content: ByteString = "", trailers: Fields = []): void {
    this.#end = { trailers }
    this.send(content)
  }

  get unsent(): number {
    return this.#unsent.length
  }

  /** Sends what the windows allow. */
  proceed(): void {
    const { peer } = this.#client
    while (this.#unsent !== "") {
      const length = Math.min(frameSize, this.#unsent.length, this.window, this.#client.window)
      if (length <= 0) return
      const content = this.#unsent.slice(0, length)
      this.#unsent = this.#unsent.slice(length)
      this.window -= length
      this.#client.window -= length
      const isLast = this.#unsent === "" && this.#end?.trailers.length === 0
      peer.data(this.id, content, isLast)
      if (isLast) this.#end = undefined
    }
    const end = this.#end
    if (end === undefined) return
    this.#end = undefined
    if (end.trailers.length === 0) peer.end(this.id)
    else peer.headers(this.id, end.trailers, true)
  }

  abandon(): void {
    this.giveUp()
    this.#client.peer.reset(this.id, CANCEL)
  }

  /** The rest of the content will not be sent. */
  giveUp(): void {
    this.#unsent = ""
    this.#end = undefined
  }

  violate(): void {
    this.#client.peer.headers(this.id, [["Upper-Case", "is malformed"]], true)
  }

  get response(): ClientResponse {
    this.#client.read()
    const { peer, transport } = this.#client
    const { body, headers, isComplete, reset, status, trailers } = peer.response(this.id)
    const isGone = reset !== undefined || (transport.ending !== "open" && transport.text === "")
    return {
      status,
      headers,
      body,
      trailers: trailers?.length === 0 ? undefined : trailers,
      informational: this.#informational,
      state: isComplete ? "complete" : isGone ? "broken" : "pending"
    }
  }

  get #informational(): ClientResponse["informational"] {
    return this.#client.peer
      .all("HEADERS")
      .filter(({ fields, id }) => id === this.id && fields[0]?.[1].startsWith("1") === true)
      .map(({ fields: [status, ...headers] }) => ({ status: Number(status?.[1]), headers }))
  }
}

/** Opens its windows as far as can be, so that the transport alone holds up what it gets. */
class Http2Client implements Client {
  readonly transport: ClientTransport
  readonly peer: Peer
  /** Bytes of content that the server lets the client send on the connection. */
  window = initialWindow
  readonly #exchanges = new Map<number, Http2Exchange>()

  constructor(transport: ClientTransport) {
    this.transport = transport
    this.peer = new Peer(transport)
    transport.together(() => {
      this.peer.begin([[INITIAL_WINDOW_SIZE, wideWindow]])
      this.peer.open(0, wideWindow - this.peer.window)
    })
  }

  request(options: RequestOptions = {}): ClientExchange {
    return this.#add(this.peer.request(options))
  }

  handshake({ authority = "a", fields = [], path = "/" }: RequestOptions = {}): ClientExchange {
    const id = this.peer.openId()
    const connect = [
      [":method", "CONNECT"],
      [":protocol", "websocket"],
      [":scheme", "http"],
      [":path", path],
      [":authority", authority]
    ] as const
    this.peer.headers(id, [...connect, ...fields], false)
    return this.#add(id)
  }

  #add(id: number): Http2Exchange {
    const exchange = new Http2Exchange(this, id)
    this.#exchanges.set(id, exchange)
    return exchange
  }

  read(): void {
    this.peer.read()
    this.#react()
  }

  readSome(length: number): void {
    this.peer.readSome(length)
    this.#react()
  }

  /** Acknowledges what is to be acknowledged, and goes on with what waited for windows. */
  #react(): void {
    for (const frame of this.peer.news()) {
      if (frame.type === "PING" && !frame.isAck) this.peer.ping(frame.payload, true)
      else if (frame.type === "RST_STREAM") this.#exchanges.get(frame.id)?.giveUp()
      else if (frame.type === "WINDOW_UPDATE") this.#widen(frame.id, frame.increment)
    }
    for (const exchange of this.#exchanges.values()) exchange.proceed()
  }

  #widen(id: number, increment: number): void {
    const exchange = this.#exchanges.get(id)
    if (id === 0) this.window += increment
    else if (exchange !== undefined) exchange.window += increment
  }

  get mayAskAgain(): boolean {
    return this.transport.ending === "open" && this.peer.goAways.length === 0
  }
}

export const http2: Version = {
  httpVersion: "2",
  failureCosts: "exchange",
  acceptedStatus: 200,
  listen: (server, webSocket) => {
    const settings = makeSettings(server.server, webSocket)
    return (transport) => {
      new Http2Driver(settings, transport, server.fibers)
      return new Http2Client(transport)
    }
  }
}

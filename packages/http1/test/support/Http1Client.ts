/** A client of HTTP/1.1, and the driver for it, for the suite that all versions share. */
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
import { Http1Driver } from "../../src/Http1Driver.ts"
import { makeSettings } from "../../src/Http1Settings.ts"
import { BadResponse, ResponseReader } from "./ClientConnection.ts"

/** Fields that a version without connections of this kind has no use for. */
const connectionFields = new Set(["connection", "transfer-encoding", "upgrade"])

/** Without blanks around values, which are not a part of them (RFC 9112 §5.1). */
const shownFields = (fields: Fields): Fields =>
  fields
    .filter(([name]) => !connectionFields.has(name))
    .map(([name, value]) => [name, value.replaceAll(/^[ \t]+|[ \t]+$/g, "")])

const fieldLines = (fields: Fields): ByteString => fields.map(([name, value]) => `${name}: ${value}\r\n`).join("")

class Http1Exchange implements ClientExchange {
  readonly reader: ResponseReader
  /** What has come behind 101 (Switching Protocols). */
  tunnel: ByteString = ""
  readonly #client: Http1Client
  readonly #isUpgrade: boolean
  readonly #isChunked: boolean

  constructor(client: Http1Client, options: RequestOptions, isUpgrade: boolean) {
    const { authority = "a", fields = [], method = "GET", more = false, path = "/" } = options
    this.#client = client
    this.#isUpgrade = isUpgrade
    this.#isChunked = more && !fields.some(([name]) => name === "content-length")
    this.reader = new ResponseReader({ method, httpVersion: "1.1", keepAlive: true })
    const framing = this.#isChunked ? "transfer-encoding: chunked\r\n" : ""
    client.transport.push(`${method} ${path} HTTP/1.1\r\nHost: ${authority}\r\n${fieldLines(fields)}${framing}\r\n`)
  }

  send(content: ByteString): void {
    if (content === "") return
    this.#client.transport.push(this.#isChunked ? `${content.length.toString(16)}\r\n${content}\r\n` : content)
  }

  end(content: ByteString = "", trailers: Fields = []): void {
    this.send(content)
    if (this.#isChunked) this.#client.transport.push(`0\r\n${fieldLines(trailers)}\r\n`)
    else if (trailers.length > 0) throw new Error("no trailers behind content of a known length")
  }

  get unsent(): number {
    return this.#client.transport.unreadLength
  }

  abandon(): void {
    this.#client.transport.fail()
  }

  violate(): void {
    if (!this.#isChunked) throw new Error("content of a known length cannot be malformed")
    this.#client.transport.push("zz\r\n")
  }

  /** Whether what comes now belongs to a later exchange. */
  get isOver(): boolean {
    return this.reader.step === "nothing" && !(this.#isUpgrade && this.reader.status === 101)
  }

  /** Takes what belongs to this exchange, and answers what is behind it. */
  take(text: ByteString): ByteString {
    const rest = this.reader.read(text)
    if (this.isOver) return rest
    this.tunnel += rest
    return ""
  }

  get response(): ClientResponse {
    this.#client.read()
    const { body, headers, informational, status, step, trailers } = this.reader
    return {
      status,
      headers: shownFields(headers),
      body: body + this.tunnel,
      trailers: trailers.length === 0 ? undefined : trailers,
      informational,
      state: this.isOver || this.#isEndedByClose(step) ? "complete" : this.#client.isEnded ? "broken" : "pending"
    }
  }

  #isEndedByClose(step: ResponseReader["step"]): boolean {
    const { ending } = this.#client.transport
    const isUpToTheClose = step === "content up to the close" || this.reader.status === 101
    return isUpToTheClose && (ending === "ended" || ending === "closed")
  }
}

class Http1Client implements Client {
  readonly transport: ClientTransport
  readonly #exchanges: Array<Http1Exchange> = []
  #answered = 0

  constructor(transport: ClientTransport) {
    this.transport = transport
  }

  request(options: RequestOptions = {}, isUpgrade = false): Http1Exchange {
    const exchange = new Http1Exchange(this, options, isUpgrade)
    this.#exchanges.push(exchange)
    return exchange
  }

  handshake({ fields = [], ...options }: RequestOptions = {}): ClientExchange {
    const upgrade = [
      ["connection", "Upgrade"],
      ["upgrade", "websocket"]
    ] as const
    return this.request({ ...options, fields: [...upgrade, ...fields] }, true)
  }

  read(): void {
    this.#take(this.transport.read())
  }

  readSome(length: number): void {
    this.#take(this.transport.readSome(length))
  }

  #take(text: ByteString): void {
    let rest = text
    while (rest !== "") {
      const exchange = this.#exchanges[this.#answered]
      if (exchange === undefined) throw new BadResponse(`a response that nobody has asked for: ${rest}`)
      rest = exchange.take(rest)
      if (!exchange.isOver) return
      this.#answered++
    }
  }

  /** Whether the server has ended its side, and everything before that was taken. */
  get isEnded(): boolean {
    return this.transport.ending !== "open" && this.transport.text === ""
  }

  get mayAskAgain(): boolean {
    const last = this.#exchanges[this.#answered - 1]
    return this.transport.ending === "open" && last?.reader.persistent !== false
  }
}

export const http1: Version = {
  httpVersion: "1.1",
  failureCosts: "connection",
  acceptedStatus: 101,
  listen: (server, webSocket) => {
    const settings = makeSettings(server.server, webSocket)
    return (transport) => {
      new Http1Driver(settings, transport, server.fibers)
      return new Http1Client(transport)
    }
  }
}

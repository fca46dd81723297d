import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as EffectScope from "effect/Scope"
import * as http1 from "node:http"
import * as http2 from "node:http2"
import * as https from "node:https"
import { connect as connectSocket } from "node:net"
import { connect as connectTls } from "node:tls"
import { until } from "./Until.ts"

/** Header fields by their names; several values are several fields. */
export type Fields = Readonly<Record<string, string | ReadonlyArray<string>>>

/** What a client asks for. */
export interface HttpRequest {
  readonly method?: string
  readonly path?: string
  readonly headers?: Fields
  /** A whole content goes with its length; pieces go one by one, and their length is not told. */
  readonly content?: string | Uint8Array | ReadonlyArray<Uint8Array>
  readonly trailers?: Fields
}

/** Fields that say how HTTP/1.1 frames a message, or are HTTP/2's own. */
const isFraming = (name: string): boolean =>
  name.startsWith(":") || name === "connection" || name === "keep-alive" || name === "transfer-encoding"

const fieldsOf = (headers: http1.IncomingHttpHeaders): Fields => {
  const fields: Record<string, string | ReadonlyArray<string>> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !isFraming(name)) fields[name] = value
  }
  return fields
}

/** A request and its response as a client sees them, in whatever version of HTTP. */
export class HttpExchange {
  readonly informational: Array<{ readonly status: number; readonly headers: Fields }> = []
  status: number | undefined = undefined
  headers: Fields = {}
  trailers: Fields = {}
  readonly #pieces: Array<Buffer> = []
  received = 0
  outcome: "complete" | "failed" | undefined = undefined
  /** Leaves in the middle of it. */
  abort: () => void = () => {}
  /** Stops to read, and goes on. */
  pause: () => void = () => {}
  resume: () => void = () => {}

  get content(): Buffer {
    return Buffer.concat(this.#pieces)
  }

  get text(): string {
    return this.content.toString()
  }

  onInformational(status: number, headers: http1.IncomingHttpHeaders): void {
    this.informational.push({ status, headers: fieldsOf(headers) })
  }

  onHead(status: number | undefined, headers: http1.IncomingHttpHeaders): void {
    this.status = status
    this.headers = fieldsOf(headers)
  }

  onContent(bytes: Buffer): void {
    this.#pieces.push(bytes)
    this.received += bytes.length
  }

  onTrailers(trailers: http1.IncomingHttpHeaders): void {
    this.trailers = fieldsOf(trailers)
  }

  /** The first end counts: a connection may well fail behind a complete response. */
  onOutcome(outcome: "complete" | "failed"): void {
    this.outcome ??= outcome
  }

  readonly started: Effect.Effect<void> = until("the head of the response arrives", () => this.status !== undefined)
  readonly ended: Effect.Effect<void> = until("the exchange ends", () => this.outcome !== undefined)

  readonly receives = (text: string): Effect.Effect<void> =>
    until(`the client receives ${JSON.stringify(text)}`, () => this.text.endsWith(text))
}

/** Sends the content piece by piece, each in a turn of its own. */
const writeContent = (
  stream: NodeJS.WritableStream,
  content: HttpRequest["content"],
  onLast: () => void = () => {}
): void => {
  if (content === undefined || typeof content === "string" || content instanceof Uint8Array) {
    onLast()
    stream.end(content ?? "")
    return
  }
  writePieces(stream, content[Symbol.iterator](), onLast)
}

const writePieces = (
  stream: NodeJS.WritableStream,
  pieces: Iterator<string | Uint8Array>,
  onLast: () => void
): void => {
  const next = pieces.next()
  if (next.done === true) return writeContent(stream, undefined, onLast)
  stream.write(next.value, (error) => {
    // The stream has been given up; there may be no end of pieces.
    if (!error) setImmediate(() => writePieces(stream, pieces, onLast))
  })
}

/** As Node takes them. */
type Headers = Record<string, string | Array<string>>

const headersOf = (fields: Fields = {}): Headers => {
  const headers: Headers = {}
  for (const [name, value] of Object.entries(fields)) headers[name] = typeof value === "string" ? value : [...value]
  return headers
}

const requestHeaders = ({ content, headers }: HttpRequest): Headers => ({
  ...headersOf(headers),
  ...(typeof content === "string" || content instanceof Uint8Array
    ? { "content-length": String(Buffer.byteLength(content)) }
    : {})
})

/** Sends requests to one server. */
export interface HttpClient {
  /** Begins an exchange. */
  readonly begin: (request: HttpRequest) => HttpExchange
}

/** An exchange, when it has ended in either way. */
export const attempt = (client: HttpClient, request: HttpRequest = {}): Effect.Effect<HttpExchange> =>
  Effect.suspend(() => {
    const exchange = client.begin(request)
    return Effect.as(exchange.ended, exchange)
  })

/** An exchange that has to come to a good end. */
export const fetch = (client: HttpClient, request: HttpRequest = {}): Effect.Effect<HttpExchange> =>
  Effect.tap(attempt(client, request), ({ outcome }) =>
    Effect.sync(() => assert.strictEqual(outcome, "complete", `${request.method ?? "GET"} ${request.path ?? "/"}`))
  )

/** How a client reaches its server. */
export interface Target {
  readonly address: { readonly host: string; readonly port: number } | { readonly path: string }
  /** The authority to trust, for TLS to `localhost`. */
  readonly ca?: string
}

const authority = ({ ca }: Target): string => (ca === undefined ? "test" : "localhost")

const leave = (exchange: HttpExchange, action: () => void): void => {
  exchange.abort = () => {
    action()
    exchange.onOutcome("failed")
  }
}

const makeHttp1 = (target: Target, agent: http1.Agent): HttpClient => ({
  begin: (request) => {
    const exchange = new HttpExchange()
    const { content, method = "GET", path = "/", trailers } = request
    const headers: Headers = { host: authority(target), ...requestHeaders(request) }
    const make = target.ca === undefined ? http1.request : https.request
    // Without this Node would not send content in chunks with some methods.
    const framing = Array.isArray(content) || trailers !== undefined ? { "transfer-encoding": "chunked" } : {}
    const outgoing = make({ agent, method, path, headers: { ...headers, ...framing } })
    outgoing.on("information", ({ headers, statusCode }) => exchange.onInformational(statusCode, headers))
    outgoing.on("response", (incoming) => {
      exchange.onHead(incoming.statusCode, incoming.headers)
      incoming.on("data", (bytes: Buffer) => exchange.onContent(bytes))
      incoming.on("end", () => {
        exchange.onTrailers(incoming.trailers)
        exchange.onOutcome(incoming.complete ? "complete" : "failed")
      })
      incoming.on("error", () => exchange.onOutcome("failed"))
      exchange.pause = () => incoming.pause()
      exchange.resume = () => incoming.resume()
    })
    outgoing.on("error", () => exchange.onOutcome("failed"))
    leave(exchange, () => outgoing.destroy())
    const addTrailers = () => {
      if (trailers !== undefined) outgoing.addTrailers(headersOf(trailers))
    }
    if (headers["expect"] === undefined) writeContent(outgoing, content, addTrailers)
    else outgoing.on("continue", () => writeContent(outgoing, content, addTrailers))
    return exchange
  }
})

const makeHttp2 = (session: http2.ClientHttp2Session, target: Target): HttpClient => ({
  begin: (request) => {
    const exchange = new HttpExchange()
    const { content, method = "GET", path = "/", trailers } = request
    const endStream = content === undefined && trailers === undefined
    const headers: Headers = {
      ":method": method,
      ":path": path,
      ":authority": authority(target),
      ...requestHeaders(request)
    }
    const stream = session.request(headers, { endStream, waitForTrailers: trailers !== undefined })
    stream.on("headers", (headers) => exchange.onInformational(headers[":status"] ?? 0, headers))
    stream.on("response", (headers) => exchange.onHead(headers[":status"], headers))
    stream.on("data", (bytes: Buffer) => exchange.onContent(bytes))
    stream.on("trailers", (trailers) => exchange.onTrailers(trailers))
    stream.on("wantTrailers", () => stream.sendTrailers(headersOf(trailers)))
    let hasEnded = false
    stream.on("end", () => {
      hasEnded = true
    })
    stream.on("error", () => exchange.onOutcome("failed"))
    stream.on("close", () => {
      const isGood = hasEnded && stream.rstCode === http2.constants.NGHTTP2_NO_ERROR && exchange.status !== undefined
      exchange.onOutcome(isGood ? "complete" : "failed")
    })
    exchange.pause = () => stream.pause()
    exchange.resume = () => stream.resume()
    leave(exchange, () => stream.close(http2.constants.NGHTTP2_CANCEL))
    if (endStream) return exchange
    if (headers["expect"] === undefined) writeContent(stream, content)
    else stream.on("continue", () => writeContent(stream, content))
    return exchange
  }
})

/** `path` would be that of requests. */
const agentAddress = ({ address }: Target) => ("path" in address ? { socketPath: address.path } : address)

/** A client of `node:http` or `node:https`, with a connection for each request at a time. */
export const openHttp1 = (target: Target): Effect.Effect<HttpClient, never, EffectScope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      // The agent's options are those of its sockets, whose types Node does not name.
      const options: object = { ...agentAddress(target), keepAlive: true }
      return target.ca === undefined
        ? new http1.Agent(options)
        : new https.Agent({ ...options, ca: target.ca, servername: "localhost", ALPNProtocols: ["http/1.1"] })
    }),
    (agent) => Effect.sync(() => agent.destroy())
  ).pipe(Effect.map((agent) => makeHttp1(target, agent)))

/** A session of `node:http2`: by prior knowledge, or by ALPN over TLS. */
export const openSession = (
  target: Target,
  settings: http2.Settings = {}
): Effect.Effect<http2.ClientHttp2Session, never, EffectScope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const { address, ca } = target
      const createConnection = () => {
        const socket = connectSocket(address)
        return ca === undefined ? socket : connectTls({ socket, ca, servername: "localhost", ALPNProtocols: ["h2"] })
      }
      const origin = `${ca === undefined ? "http" : "https"}://${authority(target)}`
      const session = http2.connect(origin, { createConnection, settings })
      session.on("error", () => {}) // The streams tell.
      return session
    }),
    (session) => Effect.sync(() => session.destroy())
  )

/** A client with one connection by HTTP/2. */
export const openHttp2 = (
  target: Target,
  settings?: http2.Settings
): Effect.Effect<HttpClient, never, EffectScope.Scope> =>
  Effect.map(openSession(target, settings), (session) => makeHttp2(session, target))

/** Makes exchanges of a session that a test has a look at itself. */
export const clientOf = makeHttp2

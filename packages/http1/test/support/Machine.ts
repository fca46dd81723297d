import type { ByteSink } from "@pagi/core/bytes/ByteSink"
import type { HeaderBlock } from "@pagi/core/HeaderBlock"
import { type ByteString, fromBytes, toBytes } from "@pagi/core/bytes/ByteString"
import { Connection } from "../../src/protocol/Connection.ts"
import type { Event } from "../../src/protocol/Event.ts"
import type { Limits } from "../../src/protocol/Limits.ts"
import type { RequestHead } from "../../src/protocol/RequestHead.ts"

export const limits: Limits = { maxHeaderSize: 8192, maxHeaderCount: 100, maxBodySize: 10_000_000 }

export const date = "Sun, 06 Nov 1994 08:49:37 GMT"

/** A sink that keeps everything as one byte string. */
export class TextSink implements ByteSink {
  text: ByteString = ""
  writes = 0

  write(data: ByteString | Uint8Array): void {
    this.writes++
    this.text += typeof data === "string" ? data : fromBytes(data, 0, data.length)
  }
}

/** An event in a form that does not depend on how the input was split. */
export type PlainEvent =
  | RequestHead
  | { readonly type: string; readonly text?: string; readonly [key: string]: unknown }

/** Every event up to the first that waits for something, adjacent body pieces joined. */
export const drain = (connection: Connection, into: Array<PlainEvent> = []): Array<PlainEvent> => {
  for (;;) {
    const event = connection.next()
    if (event.type === "need-data" || event.type === "paused") return into
    record(event, into)
    if (event.type === "closed") return into
  }
}

const record = (event: Event, into: Array<PlainEvent>): void => {
  const last = into.at(-1)
  if (event.type === "body") {
    const text = fromBytes(event.bytes, 0, event.bytes.length)
    if (last?.type === "body" && "text" in last) into[into.length - 1] = { type: "body", text: `${last.text}${text}` }
    else into.push({ type: "body", text })
    return
  }
  if (event.type === "closed" && last?.type === "closed") return
  into.push(event.type === "end" ? { type: "end", trailers: event.trailers } : { ...event })
}

/** Answers the current request with an empty response, and goes on. */
export const answer = (connection: Connection): void => {
  const sink = new TextSink()
  connection.startResponse(200, [], false, date)
  connection.sendBody(sink, "", true)
  connection.nextCycle()
}

/** Feeds the pieces to a machine that answers each request at once; gives all events of the connection. */
export const converse = (pieces: ReadonlyArray<ByteString>, custom: Partial<Limits> = {}): Array<PlainEvent> => {
  const connection = new Connection({ ...limits, ...custom })
  const events: Array<PlainEvent> = []
  const proceed = (): void => {
    drain(connection, events)
    while (connection.bodyIsComplete) {
      answer(connection)
      drain(connection, events)
    }
  }
  for (const piece of pieces) {
    connection.receive(toBytes(piece))
    proceed()
  }
  connection.receiveEnd()
  proceed()
  return events
}

/** The events of one request that arrives whole. */
export const read = (text: ByteString, custom: Partial<Limits> = {}): Array<PlainEvent> => {
  const connection = new Connection({ ...limits, ...custom })
  connection.receive(toBytes(text))
  return drain(connection)
}

/** The status and reason of the error to which a text leads, or the types of its events when there is none. */
export const refusal = (text: ByteString, custom: Partial<Limits> = {}): string => {
  const events = read(text, custom)
  const error = events.find((event) => event.type === "error")
  if (error === undefined || !("status" in error)) return events.map((event) => event.type).join(" ")
  return `${String(error["status"])} ${String(error["reason"])}`
}

/** The head of a request that must be acceptable. */
export const head = (text: ByteString, custom: Partial<Limits> = {}): RequestHead => {
  const [first] = read(text, custom)
  if (first?.type === "request" && "headers" in first && "method" in first) return first as RequestHead
  throw new Error(`expected a request, got ${JSON.stringify(first)}`)
}

/** A machine that has read the head (and what came with it) of one request. */
export const afterHead = (text: ByteString, custom: Partial<Limits> = {}): Connection => {
  const connection = new Connection({ ...limits, ...custom })
  connection.receive(toBytes(text))
  const event = connection.next()
  if (event.type !== "request") throw new Error(`expected a request, got ${JSON.stringify(event)}`)
  return connection
}

/** Lines joined and ended with CRLF, and the empty line. */
export const lines = (...parts: ReadonlyArray<string>): ByteString =>
  parts.map((part) => `${part}\r\n`).join("") + "\r\n"

/** A GET request on HTTP/1.1 with these fields besides Host. */
export const get = (...fields: ReadonlyArray<string>): ByteString => lines("GET / HTTP/1.1", "Host: a", ...fields)

/** A request for a WebSocket with these fields besides. */
export const handshake = (...fields: ReadonlyArray<string>): ByteString =>
  get("Connection: keep-alive, Upgrade", "Upgrade: websocket", ...fields)

/** A POST request on HTTP/1.1 with these fields besides Host. */
export const post = (...fields: ReadonlyArray<string>): ByteString => lines("POST / HTTP/1.1", "Host: a", ...fields)

/** A POST request with a chunked body, given as it is on the wire. */
export const chunked = (body: ByteString): ByteString => post("Transfer-Encoding: chunked") + body

/** A machine whose response has started. */
export interface Sent {
  readonly connection: Connection
  readonly sink: TextSink
  readonly problem: string | undefined
}

/** What `start` does besides starting the response. */
export interface StartOptions {
  readonly trailers?: boolean
  /** A whole body. Without it, the head goes out alone. */
  readonly body?: string
}

/** Reads a request, and starts the response to it. */
export const start = (request: string, status: number, headers: HeaderBlock = [], options: StartOptions = {}): Sent => {
  const connection = afterHead(request)
  const sink = new TextSink()
  const problem = connection.startResponse(status, headers, options.trailers ?? false, date)
  if (options.body === undefined) connection.flushHead(sink)
  else connection.sendBody(sink, options.body, true)
  return { connection, sink, problem }
}

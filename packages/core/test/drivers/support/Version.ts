/** What the suite needs of a version of HTTP: its driver, and a client that speaks it. */
import type { ByteString } from "../../../src/bytes/ByteString.ts"
import type { WebSocketUpgrade } from "../../../src/exchange/WebSocketUpgrade.ts"
import type { TestServer } from "../../../src/testing/TestServer.ts"
import type { ClientTransport } from "./ClientTransport.ts"

export interface Version {
  /** As scopes tell it. */
  readonly httpVersion: "1.1" | "2"
  /** What ends with an exchange that goes wrong. */
  readonly failureCosts: "connection" | "exchange"
  /** The status with which a WebSocket is accepted. */
  readonly acceptedStatus: 101 | 200
  /** Answers what puts a driver on an accepted connection, and a client at its other end. */
  readonly listen: (server: TestServer, webSocket?: WebSocketUpgrade) => (transport: ClientTransport) => Client
}

/** Names are in lower case, unless a test means to send others. */
export type Fields = ReadonlyArray<readonly [name: ByteString, value: ByteString]>

/** A request; `GET /` of the host `a` by default. */
export interface RequestOptions {
  readonly method?: string
  readonly path?: string
  readonly authority?: string
  readonly fields?: Fields
  /** Whether content follows, whose length is not known unless a field says it. */
  readonly more?: boolean
}

/** The client's end of a connection, on which it has said all that comes before requests. */
export interface Client {
  readonly transport: ClientTransport
  readonly request: (request?: RequestOptions) => ClientExchange
  /** Asks for a WebSocket; what is sent then and what comes are its bytes. */
  readonly handshake: (request?: RequestOptions) => ClientExchange
  /** Takes what has come, which makes room for more, and does what it asks for. */
  readonly read: () => void
  /** The same with so many bytes of it. */
  readonly readSome: (length: number) => void
  /** Whether the server would answer another request on this connection. */
  readonly mayAskAgain: boolean
}

/** A request, and the response to it. */
export interface ClientExchange {
  /** Sends a piece of content; what the server does not want yet waits. */
  readonly send: (content: ByteString) => void
  /** Ends the content, with a last piece and with trailers. */
  readonly end: (content?: ByteString, trailers?: Fields) => void
  /** The bytes of content that the server has not taken, about. */
  readonly unsent: number
  /** Does not want the response any more, and says so as the version can. */
  readonly abandon: () => void
  /** Ends the content, whose length must not be known, with something that is malformed. */
  readonly violate: () => void
  /** What has come by now, which is taken as by `read`. */
  readonly response: ClientResponse
}

/** What a strict client makes of a response. */
export interface ClientResponse {
  readonly status: number | undefined
  /** Without those that are about the connection. */
  readonly headers: Fields
  readonly body: ByteString
  readonly trailers: Fields | undefined
  readonly informational: ReadonlyArray<{ readonly status: number; readonly headers: Fields }>
  /** Broken is what has ended and cannot be taken for complete. */
  readonly state: "pending" | "complete" | "broken"
}

/** The values of the fields with this name. */
export const valuesOf = (fields: Fields, name: string): Array<string> =>
  fields.filter((field) => field[0] === name).map(([, value]) => value)

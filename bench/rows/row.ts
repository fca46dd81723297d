import type { CandidateName } from "../candidates.ts"
import type { MessageKind } from "../websocket/frames.ts"

export interface HttpLoad {
  readonly method: "GET" | "POST"
  readonly path: string
  readonly bodyBytes: number
  /** The body, when it is not bytes of no meaning. */
  readonly json?: string
  readonly connections: number
  readonly pipelineDepth: number
  readonly closeAfterEach: boolean
  readonly tls: boolean
}

/** GET requests, one after the other on each of 64 connections. */
export const get: HttpLoad = {
  method: "GET",
  path: "/",
  bodyBytes: 0,
  connections: 64,
  pipelineDepth: 1,
  closeAfterEach: false,
  tls: false
}

export interface Http2Load {
  readonly method: "GET" | "POST"
  readonly path: string
  readonly bodyBytes: number
  readonly connections: number
  /** On each connection at any time. */
  readonly streams: number
  /** Otherwise the client knows beforehand that the server speaks HTTP/2 (h2c). */
  readonly tls: boolean
}

export interface EchoLoad {
  readonly kind: MessageKind
  readonly messageBytes: number
  readonly connections: number
  /** On each connection. */
  readonly messagesInFlight: number
}

/** New connections over TLS, each with one answer. */
export interface TlsLoad {
  /** At a time. */
  readonly connections: number
  /** With a ticket of an earlier connection, otherwise with a whole handshake. */
  readonly resumes: boolean
}

/** The subject must reach `atLeast` times the throughput of the peer. */
export interface Budget {
  readonly peer: CandidateName
  readonly atLeast: number
  /** The same of what it does in a second of its own processor time. */
  readonly atLeastWhenBusy?: number
  /** Its 99th percentile of latencies may be so many times that of the peer. */
  readonly tailAtMost?: number
}

interface Comparison {
  readonly name: string
  readonly title: string
  readonly subject: CandidateName
  readonly peers: ReadonlyArray<CandidateName>
  readonly budgets: ReadonlyArray<Budget>
}

export interface HttpRow extends Comparison {
  readonly protocol: "http"
  readonly load: HttpLoad
  /** What the response body must be, byte for byte; streamed bodies carry no Content-Length. */
  readonly expectedBody: string
  /** Of the response, when it is not that of the contract. */
  readonly contentType?: string
  readonly streamed: boolean
}

export interface Http2Row extends Comparison {
  readonly protocol: "http2"
  readonly load: Http2Load
  readonly expectedBody: string
  /** May come without Content-Length, which is not what ends a body of HTTP/2. */
  readonly streamed: boolean
}

export interface EchoRow extends Comparison {
  readonly protocol: "websocket"
  readonly load: EchoLoad
}

export interface TlsRow extends Comparison {
  readonly protocol: "tls"
  readonly load: TlsLoad
}

export type ThroughputRow = HttpRow | Http2Row | EchoRow | TlsRow

export const needsCertificate = (row: ThroughputRow): boolean =>
  row.protocol === "tls" || (row.protocol !== "websocket" && row.load.tls)

export interface IdleRow {
  readonly name: string
  readonly title: string
  readonly protocol: Exclude<ThroughputRow["protocol"], "tls">
  /** Fewer where a process may not have as many descriptors. */
  readonly connections: number
  readonly candidates: ReadonlyArray<CandidateName>
  readonly subject: CandidateName
  readonly budgets: {
    readonly kibibytesPerConnection?: number
    readonly mebibytesAtRest?: number
    /** A connection of the subject may take so many times the memory of one of the peer. */
    readonly timesPeers?: ReadonlyArray<Limit>
  }
}

/** The subject may come to `atMost` times what the peer does. */
export interface Limit {
  readonly peer: CandidateName
  readonly atMost: number
}

/** A few figures of each server, of which less is better. */
export interface FigureRow {
  readonly name: string
  readonly title: string
  readonly measures: "start" | "slow readers"
  readonly candidates: ReadonlyArray<CandidateName>
  readonly subject: CandidateName
  readonly budgets: {
    /** Of the first figure. */
    readonly timesPeers: ReadonlyArray<Limit>
    readonly mebibytesAtRest?: number
  }
}

/** Rows that are published together. */
export interface Suite {
  /** Also of the files with its results. */
  readonly name: string
  readonly title: string
  readonly loadGenerator: "wrk" | "h2load" | "bench/websocket" | "bench/slowReaders"
  /** What a reader must know about the load beyond what the rows say. */
  readonly remarks: ReadonlyArray<string>
  readonly throughput: ReadonlyArray<ThroughputRow>
  readonly figures: ReadonlyArray<FigureRow>
  readonly idle?: IdleRow
}

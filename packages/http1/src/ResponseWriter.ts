import type { ExchangeEntry, ExchangeFollower, Traced } from "@pagi/core/observe/ExchangeRecorder"
import { describeConnection, type ExchangeOutcome, type ObservedConnection } from "@pagi/core/observe/Observer"
import { encodeText } from "@pagi/core/bytes/ByteString"
import type { HeaderBlock } from "@pagi/core/http/HeaderBlock"
import { finalStatusProblem } from "@pagi/core/http/ResponseStatus"
import { errorContent, errorContentType } from "@pagi/core/http/ResponseContent"
import type { UpgradableResponse } from "@pagi/core/exchange/HttpHost"
import { brokenOff } from "@pagi/core/exchange/ResponseSink"
import type { ServerContext } from "@pagi/core/server/ServerContext"
import type { Transport } from "@pagi/core/transport/Transport"
import type { Connection } from "./protocol/Connection.ts"
import { errorResponse } from "./protocol/ErrorResponse.ts"
import type { RequestHead } from "./protocol/RequestHead.ts"

/** Who is told what became of a response. */
export interface ResponseObserver {
  /** Something was written; `ends` says whether it completes the response. */
  onWritten(ends: boolean): void
  /** What the application sends contradicts what it has announced, which cannot be made good. */
  breakOff(problem: string): void
}

/** What of a server its responses need. */
type ResponseServer = Pick<ServerContext, "exchanges" | "date" | "requestIds">

/** The responses of a connection, one after the other, on their way to the peer; observers are told of them. */
export class ResponseWriter implements UpgradableResponse {
  readonly #machine: Connection
  readonly #transport: Transport
  readonly #server: ResponseServer
  readonly #observer: ResponseObserver
  #entry: ExchangeEntry | undefined = undefined
  #connection: ObservedConnection | undefined = undefined
  /** When the bytes have come that requests are read from, as far as somebody listens; not known before the first of them. */
  #arrivedAt: number | undefined = undefined
  #requestId: string | undefined = undefined

  constructor(machine: Connection, transport: Transport, server: ResponseServer, observer: ResponseObserver) {
    this.#machine = machine
    this.#transport = transport
    this.#server = server
    this.#observer = observer
  }

  /** Goes on to the response for this request. `connection` is as its client sees it, if that is not as the transport does. */
  begin(head: RequestHead & { readonly requestId?: string }, connection?: ObservedConnection): void {
    this.#requestId = head.requestId
    const { exchanges } = this.#server
    if (exchanges === undefined) return
    this.#entry = exchanges.begin(connection ?? this.#described, head)
    this.#arrivedAt = this.#entry.arrived(this.#arrivedAt)
  }

  /** To ask the socket for each request would cost more than all else that is noted of it. */
  get #described(): ObservedConnection {
    return (this.#connection ??= describeConnection(this.#transport))
  }

  /** Bytes have come, of requests that have to wait when an exchange goes on. */
  received(haveToWait: boolean): void {
    this.#arrivedAt = haveToWait ? this.#server.exchanges?.now() : undefined
  }

  /** Sends a head that waits for content. */
  flushHead(): void {
    this.#machine.flushHead(this.#transport)
    this.#entry?.headSent()
  }

  informational(status: number, headers: HeaderBlock): string | undefined {
    const problem = this.#machine.sendInformational(this.#transport, status, headers)
    if (problem !== undefined) return problem
    this.#observer.onWritten(false)
    return undefined
  }

  start(status: number, headers: HeaderBlock, trailers: boolean): string | undefined {
    // Behind 101 the connection would belong to another protocol; there is `switchProtocols` for that.
    const problem = status === 101 ? finalStatusProblem(status) : this.#start(status, headers, trailers)
    if (problem === undefined) this.#entry?.started(status, headers)
    return problem
  }

  #start(status: number, headers: HeaderBlock, trailers: boolean): string | undefined {
    const problem = this.#machine.startResponse(status, this.#withId(headers), trailers, this.#server.date.value)
    if (problem !== undefined) return problem
    // Nothing is written yet: the head goes out with the first piece of the body, or when the turn ends without one.
    this.#transport.scheduleFlush()
    return undefined
  }

  withdraw(): boolean {
    if (!this.#machine.withdrawResponse()) return false
    this.#entry?.revoke()
    return true
  }

  /** Accepts another protocol, to which the connection belongs from now on (RFC 9110 §7.8). */
  switchProtocols(headers: HeaderBlock): string | undefined {
    const problem = this.#start(101, headers, false)
    if (problem !== undefined) return problem
    this.#entry?.accepted(101, headers)
    this.flushHead()
    return undefined
  }

  follow(follower: ExchangeFollower): void {
    this.#entry?.follow(follower)
  }

  tracedBy(traced: Traced): void {
    this.#entry?.tracedBy(traced)
  }

  /** Gives up what observers will be told of the exchange, for whoever goes on with it. */
  takeEntry(): ExchangeEntry | undefined {
    const entry = this.#entry
    this.#entry = undefined
    return entry
  }

  announceBody(length: number, ends: boolean): string | undefined {
    const problem = this.#machine.announceBody(this.#transport, length, ends)
    return problem === undefined ? undefined : this.#break(problem)
  }

  get carriesBody(): boolean {
    return this.#machine.carriesBody
  }

  body(data: string | Uint8Array, ends: boolean): string | undefined {
    const bytes = typeof data === "string" ? encodeText(data) : data
    const problem = this.#machine.sendBody(this.#transport, bytes, ends)
    if (problem !== undefined) return this.#break(problem)
    if (this.#machine.carriesBody) this.#entry?.sent(bytes.length, ends)
    this.#observer.onWritten(ends)
    return undefined
  }

  trailers(headers: HeaderBlock): string | undefined {
    const problem = this.#machine.sendTrailers(this.#transport, headers)
    if (problem !== undefined) return problem
    this.#observer.onWritten(true)
    return undefined
  }

  flush(): undefined {
    this.#transport.flush()
  }

  /** Answers in place of the application, also when what arrived was not a request. */
  answer(status: number, message: string, outcome: ExchangeOutcome, headers?: HeaderBlock): void {
    const head = this.#machine.isHeadRequest
    // What is no request has an id too.
    this.#requestId ??= this.#server.requestIds?.next()
    this.#entry ??= this.#server.exchanges?.begin(this.#described, undefined, this.#requestId)
    const fields = this.#withId(headers ?? [])
    this.#transport.write(errorResponse(status, message, this.#server.date.value, { head, headers: fields }))
    this.#entry?.answered(status, head ? 0 : errorContent(message).length, outcome)
    this.#entry = undefined
  }

  /** Answers in place of the application such that the connection goes on. */
  refuse(status: number, message: string, headers: HeaderBlock): void {
    const content = errorContent(message)
    this.#start(status, [["content-type", errorContentType], ...headers], false)
    this.#machine.sendBody(this.#transport, content, true)
    this.#entry?.answered(status, this.#machine.carriesBody ? content.length : 0, "at_capacity")
    this.#entry = undefined
    this.#observer.onWritten(true)
  }

  /** The exchange is over, in whatever way. */
  end(outcome: ExchangeOutcome): void {
    if (!this.#machine.isHeadSent) this.#entry?.revoke()
    this.#entry?.end(outcome)
    this.#entry = undefined
    this.#requestId = undefined
  }

  /** The fields of a response, with the id of the exchange if it is to be sent. */
  #withId(headers: HeaderBlock): HeaderBlock {
    const { requestIds } = this.#server
    return requestIds === undefined ? headers : requestIds.fieldsOf(headers, this.#requestId)
  }

  #break(problem: string): string {
    this.#observer.breakOff(problem)
    return brokenOff(problem)
  }
}

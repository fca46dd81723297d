import type { ExchangeEntry, ExchangeFollower, Traced } from "@pagi/core/observe/ExchangeRecorder"
import type { ExchangeOutcome } from "@pagi/core/observe/Observer"
import { encodeText } from "@pagi/core/bytes/ByteString"
import type { HeaderBlock } from "@pagi/core/http/HeaderBlock"
import { errorContent, errorContentType } from "@pagi/core/http/ResponseContent"
import type { UpgradableResponse } from "@pagi/core/exchange/HttpHost"
import { brokenOff } from "@pagi/core/exchange/ResponseSink"
import { Response } from "../protocol/Response.ts"
import type { Stream } from "../protocol/streams/Stream.ts"
import type { ConnectedRequest, RequestConnection } from "./RequestConnection.ts"

/** What is known of a response before it begins. */
interface ResponseParts {
  readonly isHead: boolean
  readonly entry: ExchangeEntry | undefined
  /** The id of the exchange, where there are ids. */
  readonly requestId: string | undefined
}

/** The response on a stream, on its way to the peer; observers are told of it. */
export class StreamResponse implements UpgradableResponse {
  readonly #connection: RequestConnection
  readonly #owner: ConnectedRequest
  readonly #response: Response<ConnectedRequest>
  readonly #requestId: string | undefined
  #entry: ExchangeEntry | undefined

  constructor(
    connection: RequestConnection,
    owner: ConnectedRequest,
    stream: Stream<ConnectedRequest>,
    { entry, isHead, requestId }: ResponseParts
  ) {
    this.#connection = connection
    this.#owner = owner
    this.#response = new Response(connection.machine, stream, isHead)
    this.#entry = entry
    this.#requestId = requestId
  }

  informational(status: number, headers: HeaderBlock): string | undefined {
    const problem = this.#response.informational(status, headers)
    if (problem === undefined) this.#connection.onWritten(this.#owner)
    return problem
  }

  start(status: number, headers: HeaderBlock, trailers: boolean): string | undefined {
    const problem = this.#start(status, headers, trailers)
    if (problem !== undefined) return problem
    this.#entry?.started(status, headers)
    this.#connection.onHeld(this.#owner)
    return undefined
  }

  /** Says the id of the exchange too, if it is to be sent. */
  #start(status: number, headers: HeaderBlock, trailers: boolean): string | undefined {
    const { date, requestIds } = this.#connection.settings.server
    const fields = requestIds === undefined ? headers : requestIds.fieldsOf(headers, this.#requestId)
    return this.#response.start(status, fields, trailers, date.value)
  }

  withdraw(): boolean {
    if (!this.#response.withdraw()) return false
    this.#entry?.revoke()
    return true
  }

  /** Sends a head that waits for content. */
  flushHead(): void {
    this.#response.flushHead()
    this.#entry?.headSent()
  }

  get isHeadSent(): boolean {
    return this.#response.isHeadSent
  }

  announceBody(length: number, ends: boolean): string | undefined {
    const problem = this.#response.announceBody(length, ends)
    return problem === undefined ? undefined : this.#break(problem)
  }

  get carriesBody(): boolean {
    return this.#response.carriesBody
  }

  body(data: string | Uint8Array, ends: boolean): string | undefined {
    const bytes = typeof data === "string" ? encodeText(data) : data
    const problem = this.#response.body(bytes, ends)
    if (problem !== undefined) return this.#break(problem)
    if (this.#response.carriesBody) this.#entry?.sent(bytes.length, ends)
    this.#connection.onWritten(this.#owner)
    if (ends) this.end("complete")
    return undefined
  }

  /** Ends the content although the application has not; observers are told the reason. */
  finish(outcome: ExchangeOutcome): void {
    const entry = this.#entry
    this.#entry = undefined
    this.body("", true)
    entry?.end(outcome)
  }

  trailers(headers: HeaderBlock): string | undefined {
    const problem = this.#response.trailers(headers)
    if (problem !== undefined) return problem
    this.#connection.onWritten(this.#owner)
    this.end("complete")
    return undefined
  }

  flush(): undefined {
    this.#owner.onTurnEnd()
    this.#connection.flush()
  }

  /** Accepts another protocol on the stream (RFC 8441 §5). */
  switchProtocols(headers: HeaderBlock): string | undefined {
    const problem = this.#start(200, headers, false)
    if (problem !== undefined) return problem
    this.#entry?.accepted(200, headers)
    this.#connection.onHeld(this.#owner)
    this.flushHead()
    return undefined
  }

  follow(follower: ExchangeFollower): void {
    this.#entry?.follow(follower)
  }

  tracedBy(traced: Traced): void {
    this.#entry?.tracedBy(traced)
  }

  /** Gives up what observers will be told, for whoever goes on with the stream. */
  takeEntry(): ExchangeEntry | undefined {
    const entry = this.#entry
    this.#entry = undefined
    return entry
  }

  /** Answers in place of the application, before which nothing was sent. */
  answer(status: number, message: string, outcome: ExchangeOutcome, headers: HeaderBlock): void {
    const content = errorContent(message)
    const fields: HeaderBlock = [["content-type", errorContentType], ...headers]
    this.#start(status, fields, false)
    this.#response.body(content, true)
    this.#entry?.answered(status, this.#response.carriesBody ? content.length : 0, outcome)
    this.#entry = undefined
    this.#connection.onWritten(this.#owner)
  }

  /** The exchange is over, in whatever way. */
  end(outcome: ExchangeOutcome): void {
    if (!this.#response.isHeadSent) this.#entry?.revoke()
    this.#entry?.end(outcome)
    this.#entry = undefined
  }

  #break(problem: string): string {
    this.#owner.breakOff(problem)
    return brokenOff(problem)
  }
}

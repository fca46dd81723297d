/** A response without a protocol or a transport: it is kept until whoever gets it takes it. */
import type { DisconnectReason } from "../contract/DisconnectReason.ts"
import type { Ending } from "../exchange/Exchange.ts"
import { brokenOff, type ResponseSink } from "../exchange/ResponseSink.ts"
import { type ExchangeFollower, kindOf } from "../observe/ExchangeRecorder.ts"
import { contentLengthProblem, contentLengthToSend, lengthProblem, readContentLength } from "../http/ContentLength.ts"
import type { HeaderBlock } from "../http/HeaderBlock.ts"
import { errorContent, errorContentType } from "../http/ResponseContent.ts"
import { checkField } from "../http/ResponseField.ts"
import { finalStatusProblem, informationalStatusProblem, isContentless } from "../http/ResponseStatus.ts"
import { readTrailers } from "../http/ResponseTrailers.ts"

/** Status and headers, of an interim or the final response. */
export interface ResponseHead {
  readonly status: number
  /** As the application sent them, with names in lower case. `date` and framing are left to real servers. */
  readonly headers: HeaderBlock
}

/** A header section that a server would send. */
export interface ResponseFields {
  readonly headers: HeaderBlock
  readonly contentLength: number | undefined
}

/** Names in lower case without the connection's fields; text says why a server refuses to send them. */
export const readFields = (given: HeaderBlock): ResponseFields | string => {
  const headers: Array<readonly [string, string]> = []
  let contentLength: number | undefined
  for (const [name, value] of given) {
    const field = checkField(name, value)
    if (typeof field === "string") return field
    if (field.role === "content-length") {
      contentLength = readContentLength(value, contentLength)
      if (contentLength === undefined) return contentLengthProblem
    }
    if (field.role !== "hop" && field.role !== "connection") headers.push([field.name, value])
  }
  return { headers, contentLength }
}

/** What happens to a response, seen from the peer. */
export type ResponseStatus = "open" | "complete" | "truncated" | "disconnected"

/** The host that a response belongs to. */
export interface ResponseOwner {
  readonly exchange: {
    readonly holdsHead: boolean
    disconnect(reason: DisconnectReason): void
    endWithHead(): void
  }
  /** Is told whenever there may be something new to see of the response. */
  readonly changes: { notify(): void }
  /** Hands on an interim response, where the peer can get one. */
  informational?(head: ResponseHead): void
}

/** Text is sent as UTF-8. */
const encoder = new TextEncoder()

/**
 * The way of a response to a peer that takes it by itself. Pieces that it has not taken count as unsent, so that a peer
 * which is behind suspends the application.
 */
export class BridgeResponse implements ResponseSink {
  readonly interim: Array<ResponseHead> = []
  /** The head that the peer has got. */
  head: ResponseHead | undefined = undefined
  /** The Content-Length that a server would send with that head, if any. */
  contentLength: number | undefined = undefined
  /** Whether the application announced trailers, which then end the response. */
  announcesTrailers = false
  trailerFields: HeaderBlock = []
  status: ResponseStatus = "open"
  bufferedAmount = 0
  /** Is told of the response while it goes on. */
  #follower: ExchangeFollower | undefined = undefined
  readonly #owner: ResponseOwner
  readonly #isHeadRequest: boolean
  #pieces: Array<Uint8Array> = []
  /** The head that waits for content, at most until the turn ends. */
  #held: ResponseHead | undefined = undefined
  /** What the application says about the length. */
  #stated: number | undefined = undefined
  #hasContent = true
  /** Content that Content-Length still leaves; `undefined` when there was none. */
  #remaining: number | undefined = undefined

  constructor(owner: ResponseOwner, isHeadRequest: boolean) {
    this.#owner = owner
    this.#isHeadRequest = isHeadRequest
  }

  /** The next piece of the body that the peer has not taken. Whoever takes it then updates the write buffer. */
  take(): Uint8Array | undefined {
    const piece = this.#pieces.shift()
    if (piece !== undefined) this.bufferedAmount -= piece.length
    return piece
  }

  /** All pieces of the body that the peer has not taken. */
  takeAll(): ReadonlyArray<Uint8Array> {
    const pieces = this.#pieces
    this.#pieces = []
    this.bufferedAmount = 0
    return pieces
  }

  /** Has another one be told of the response, or of the session in its place, from now on. */
  follow(follower: ExchangeFollower): void {
    this.#follower = follower
  }

  /** The handshake has been accepted by these fields. */
  switched(headers: HeaderBlock): void {
    this.#follower?.started(101, headers, "websocket")
  }

  /** So many bytes of a session's messages were sent. */
  sent(length: number): void {
    this.#follower?.sent(length)
  }

  // from the exchange ------------------------------------------------------------------------------------------------

  informational(status: number, headers: HeaderBlock): string | undefined {
    const section = informationalStatusProblem(status) ?? readFields(headers)
    if (typeof section === "string") return section
    const head = { status, headers: section.headers }
    this.interim.push(head)
    this.#owner.informational?.(head)
    return undefined
  }

  start(status: number, headers: HeaderBlock, trailers: boolean): string | undefined {
    const section = finalStatusProblem(status) ?? readFields(headers)
    if (typeof section === "string") return section
    this.#hasContent = !isContentless(status, this.#isHeadRequest)
    this.#stated = section.contentLength
    this.#remaining = this.#hasContent ? section.contentLength : undefined
    this.announcesTrailers = trailers
    this.#held = { status, headers: section.headers }
    queueMicrotask(() => this.#endTurn())
    return undefined
  }

  withdraw(): boolean {
    const isHeld = this.#held !== undefined
    this.#held = undefined
    return isHeld
  }

  #endTurn(): void {
    const { exchange } = this.#owner
    if (exchange.holdsHead) return
    exchange.endWithHead()
    this.flush()
  }

  /** `wholeLength` is that of content which is complete already. */
  #sendHead(wholeLength?: number): void {
    const held = this.#held
    if (held === undefined) return
    this.#held = undefined
    this.head = held
    const { announcesTrailers } = this
    const isHead = this.#isHeadRequest
    this.contentLength = contentLengthToSend(held.status, this.#stated, wholeLength, isHead, announcesTrailers)
    if (this.#follower !== undefined) {
      this.#follower.started(held.status, held.headers, kindOf(held.status, held.headers, isHead))
    }
  }

  body(data: string | Uint8Array, ends: boolean): string | undefined {
    // A copy, since the sender may use its memory again when it has been taken.
    const piece = typeof data === "string" ? encoder.encode(data) : new Uint8Array(data)
    this.#sendHead(ends ? piece.length : undefined)
    const problem = lengthProblem(this.#remaining, piece.length, ends)
    if (problem !== undefined) return this.#break(problem)
    if (this.#remaining !== undefined) this.#remaining -= piece.length
    if (this.#hasContent && piece.length > 0) {
      this.#pieces.push(piece)
      this.bufferedAmount += piece.length
      this.#follower?.sent(piece.length)
    }
    if (ends) this.status = "complete"
    this.#owner.changes.notify()
    return undefined
  }

  trailers(headers: HeaderBlock): string | undefined {
    const fields = readTrailers(headers)
    if (typeof fields === "string") return fields
    const problem = lengthProblem(this.#remaining, 0, true)
    if (problem !== undefined) return problem
    this.#sendHead()
    this.trailerFields = fields
    this.status = "complete"
    this.#owner.changes.notify()
    return undefined
  }

  flush(): undefined {
    if (this.#held === undefined) return
    this.#sendHead()
    this.#owner.changes.notify()
  }

  announceBody(length: number, ends: boolean): string | undefined {
    this.#sendHead(ends ? length : undefined)
    const problem = lengthProblem(this.#remaining, length, ends)
    return problem === undefined ? undefined : this.#break(problem)
  }

  get carriesBody(): boolean {
    return this.#hasContent
  }

  // from the host ----------------------------------------------------------------------------------------------------

  /** The server's own answer in place of the application's. */
  answer(status: number, message: string): void {
    this.start(status, [["content-type", errorContentType]], false)
    this.body(errorContent(message), true)
    this.#owner.exchange.disconnect("server_error")
  }

  /** Ends as if it were complete; the exchange sees the reason. */
  end(reason: DisconnectReason): void {
    this.status = "complete"
    this.#owner.exchange.disconnect(reason)
    this.#owner.changes.notify()
  }

  /** Ends what was not complete by then. */
  breakOff(status: "truncated" | "disconnected", reason: DisconnectReason): void {
    if (this.status !== "open") return
    this.#sendHead()
    this.status = status
    this.#owner.exchange.disconnect(reason)
    this.#owner.changes.notify()
  }

  /** The application has ended: what it has left open ends as a driver would end it. */
  onApplicationEnd(ending: Ending): void {
    if (ending === "unanswered") this.answer(500, "internal server error")
    else if (ending === "truncated") this.breakOff("truncated", "server_error")
  }

  #break(problem: string): string {
    this.breakOff("truncated", "server_error")
    return brokenOff(problem)
  }
}

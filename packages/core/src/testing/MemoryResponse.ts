import type { DisconnectReason } from "../contract/DisconnectReason.ts"
import { contentLengthProblem, lengthProblem, readContentLength } from "../http/ContentLength.ts"
import type { HeaderBlock } from "../http/HeaderBlock.ts"
import { errorContent, errorContentType } from "../http/ResponseContent.ts"
import { checkField } from "../http/ResponseField.ts"
import { finalStatusProblem, informationalStatusProblem, isContentless } from "../http/ResponseStatus.ts"
import { readTrailers } from "../http/ResponseTrailers.ts"
import type { Ending } from "../exchange/Exchange.ts"
import { brokenOff, type ResponseSink } from "../exchange/ResponseSink.ts"
import type { ChangeSignal } from "./ChangeSignal.ts"
import { type Content, toBytes } from "./TestRequest.ts"
import type { ResponseHead } from "./TestResponse.ts"

/** A header section that a server would send. */
export interface MemoryFields {
  readonly headers: HeaderBlock
  readonly contentLength: number | undefined
}

/** Names in lower case without the connection's fields; text says why a server refuses to send them. */
export const readFields = (given: HeaderBlock): MemoryFields | string => {
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
  readonly changes: ChangeSignal
}

/** A response without a protocol or a transport, kept until the peer takes it. Pieces that were not taken count as unsent. */
export class MemoryResponse implements ResponseSink {
  readonly interim: Array<ResponseHead> = []
  /** The head that the peer has got. */
  head: ResponseHead | undefined = undefined
  trailerFields: HeaderBlock = []
  status: ResponseStatus = "open"
  bufferedAmount = 0
  readonly #owner: ResponseOwner
  readonly #isHeadRequest: boolean
  readonly #pieces: Array<Uint8Array> = []
  /** The head that waits for content, at most until the turn ends. */
  #held: ResponseHead | undefined = undefined
  #hasContent = true
  /** Content that Content-Length still leaves; `undefined` when there was none. */
  #remaining: number | undefined = undefined

  constructor(owner: ResponseOwner, isHeadRequest: boolean) {
    this.#owner = owner
    this.#isHeadRequest = isHeadRequest
  }

  /** The next piece of the body that the peer has not taken. */
  take(): Uint8Array | undefined {
    const piece = this.#pieces.shift()
    if (piece !== undefined) this.bufferedAmount -= piece.length
    return piece
  }

  // from the exchange ------------------------------------------------------------------------------------------------

  informational(status: number, headers: HeaderBlock): string | undefined {
    const section = informationalStatusProblem(status) ?? readFields(headers)
    if (typeof section === "string") return section
    this.interim.push({ status, headers: section.headers })
    return undefined
  }

  start(status: number, headers: HeaderBlock): string | undefined {
    const section = finalStatusProblem(status) ?? readFields(headers)
    if (typeof section === "string") return section
    this.#hasContent = !isContentless(status, this.#isHeadRequest)
    this.#remaining = this.#hasContent ? section.contentLength : undefined
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

  #sendHead(): void {
    this.head ??= this.#held
    this.#held = undefined
  }

  body(data: Content, ends: boolean): string | undefined {
    this.#sendHead()
    const piece = toBytes(data)
    const problem = lengthProblem(this.#remaining, piece.length, ends)
    if (problem !== undefined) return this.#break(problem)
    if (this.#remaining !== undefined) this.#remaining -= piece.length
    if (this.#hasContent && piece.length > 0) {
      // A copy, since the sender may use its memory again when it has been taken.
      this.#pieces.push(new Uint8Array(piece))
      this.bufferedAmount += piece.length
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
    this.#sendHead()
    const problem = lengthProblem(this.#remaining, length, ends)
    return problem === undefined ? undefined : this.#break(problem)
  }

  get carriesBody(): boolean {
    return this.#hasContent
  }

  // from the host ----------------------------------------------------------------------------------------------------

  /** The server's own answer in place of the application's. */
  answer(status: number, message: string): void {
    this.start(status, [["content-type", errorContentType]])
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

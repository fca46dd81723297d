import type { DisconnectReason } from "../contract/DisconnectReason.ts"
import { isValue, nameProblem, normalizeName, parseContentLength, valueProblem } from "../http/FieldSyntax.ts"
import type { HeaderBlock } from "../http/HeaderBlock.ts"
import { isWithoutContent } from "../http/ResponseContent.ts"
import type { ResponseSink } from "../exchange/ResponseSink.ts"
import type { ChangeSignal } from "./ChangeSignal.ts"
import { type Content, toBytes } from "./TestRequest.ts"
import type { ResponseHead } from "./TestResponse.ts"

/** Fields that belong to the connection; servers write their own. */
const connectionFields: ReadonlySet<string> = new Set([
  "connection",
  "transfer-encoding",
  "keep-alive",
  "proxy-connection"
])

/** Names in lower case without the connection's fields, or why a server refuses to send them. */
export const readFields = (headers: HeaderBlock): HeaderBlock | string => {
  const fields: Array<readonly [string, string]> = []
  for (const [given, value] of headers) {
    const name = normalizeName(given)
    if (name === undefined) return nameProblem(given)
    if (!isValue(value)) return valueProblem(given, value)
    if (!connectionFields.has(name)) fields.push([name, value])
  }
  return fields
}

/** The length that the response announces; infinite when it announces none. */
const readContentLength = (headers: HeaderBlock): number | string => {
  const values = new Set(headers.flatMap(([name, value]) => (name === "content-length" ? [value] : [])))
  const [value] = values
  if (value === undefined) return Number.POSITIVE_INFINITY
  const length = values.size === 1 ? parseContentLength(value) : undefined
  return length ?? "content-length must be one decimal number"
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
  #announcesTrailers = false
  #hasContent = true
  #remaining = Number.POSITIVE_INFINITY

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
    const fields = readFields(headers)
    if (typeof fields === "string") return fields
    this.interim.push({ status, headers: fields })
    return undefined
  }

  start(status: number, headers: HeaderBlock, trailers: boolean): string | undefined {
    const fields = readFields(headers)
    if (typeof fields === "string") return fields
    const length = readContentLength(fields)
    if (typeof length === "string") return length
    this.#announcesTrailers = trailers
    this.#hasContent = !this.#isHeadRequest && !isWithoutContent(status)
    this.#remaining = length
    this.#held = { status, headers: fields }
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

  body(data: Content, last: boolean): string | undefined {
    this.#sendHead()
    const piece = toBytes(data)
    const problem = this.#hasContent ? this.#count(piece.length, last) : undefined
    if (problem !== undefined) {
      this.breakOff("truncated", "server_error")
      return problem
    }
    if (this.#hasContent && piece.length > 0) {
      // A copy, since the sender may use its memory again when it has been taken.
      this.#pieces.push(new Uint8Array(piece))
      this.bufferedAmount += piece.length
    }
    if (last && !this.#announcesTrailers) this.status = "complete"
    this.#owner.changes.notify()
    return undefined
  }

  trailers(headers: HeaderBlock): string | undefined {
    const fields = readFields(headers)
    if (typeof fields === "string") return fields
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

  announceBody(length: number): string | undefined {
    this.#sendHead()
    if (this.#hasContent && this.#remaining !== Number.POSITIVE_INFINITY) {
      const problem = this.#mismatch(this.#remaining - length, true)
      if (problem !== undefined) this.breakOff("truncated", "server_error")
      return problem
    }
    this.#remaining = length
    return undefined
  }

  get carriesBody(): boolean {
    return this.#hasContent
  }

  // from the host ----------------------------------------------------------------------------------------------------

  /** The server's own answer in place of the application's. */
  answer(status: number, message: string): void {
    this.start(status, [["content-type", "text/plain; charset=utf-8"]], false)
    this.body(`${message}\n`, true)
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

  /** A body must have exactly the length that was announced. */
  #count(length: number, last: boolean): string | undefined {
    this.#remaining -= length
    return this.#mismatch(this.#remaining, last)
  }

  #mismatch(remaining: number, last: boolean): string | undefined {
    if (remaining < 0) return `the body exceeds content-length by ${-remaining} bytes`
    return last && Number.isFinite(remaining) && remaining > 0
      ? `the body ends ${remaining} bytes before its content-length`
      : undefined
  }
}

import type { ByteString } from "@pagi/core/bytes/ByteString"
import { contentLengthToSend, lengthProblem } from "@pagi/core/http/ContentLength"
import type { HeaderBlock } from "@pagi/core/http/HeaderBlock"
import { finalStatusProblem, informationalStatusProblem, isContentless } from "@pagi/core/http/ResponseStatus"
import { trailersNotAnnounced } from "@pagi/core/http/ResponseTrailers"
import type { Connection } from "./Connection.ts"
import { type PreparedHead, prepareFields, prepareTrailers } from "./head/ResponseFields.ts"
import type { Stream, StreamOwner } from "./streams/Stream.ts"

/**
 * How far the head of a response has come; while it is held back, the head itself:
 *
 *     awaited ─(start)─► PreparedHead ─(content, or the end of the turn without any)─► sent
 *        ▲                    │
 *        └─────(withdraw)─────┘
 *
 * How far the content behind it has come, the stream knows.
 */
type Head = "awaited" | PreparedHead | "sent"

/**
 * The response on one stream. Its head waits for the first piece of content: when that is all, its length is known, and an
 * empty one needs no frame. Each method answers what is wrong with what it was given, and then has done nothing.
 */
export class Response<Owner extends StreamOwner> {
  private readonly connection: Connection<Owner>
  private readonly stream: Stream<Owner>
  /** Whether the request was HEAD. */
  private readonly isHead: boolean
  private head: Head = "awaited"
  /** Whether a trailer section ends the response, as its head has announced. */
  private hasTrailers = false
  /** Whether the client gets content: not with HEAD, 204, 205 and 304. Known once the head is on its way. */
  carriesBody = true
  /** Content that Content-Length still leaves; `undefined` when there was none. */
  private remaining: number | undefined = undefined

  constructor(connection: Connection<Owner>, stream: Stream<Owner>, isHead: boolean) {
    this.connection = connection
    this.stream = stream
    this.isHead = isHead
  }

  /** Whether the final head was sent. */
  get isHeadSent(): boolean {
    return this.head === "sent"
  }

  private get held(): PreparedHead | undefined {
    return typeof this.head === "string" ? undefined : this.head
  }

  /** Sends an interim response (RFC 9110 §15.2). */
  informational(status: number, headers: HeaderBlock): string | undefined {
    const section = informationalStatusProblem(status) ?? prepareFields(headers)
    if (typeof section === "string") return section
    section.contentLength = undefined
    this.connection.sendHeaders(this.stream, status, section, false)
    return undefined
  }

  /** Takes the head of the final response, with a ready-made date for one that has none. */
  start(status: number, headers: HeaderBlock, trailers: boolean, date: string): string | undefined {
    const section = finalStatusProblem(status) ?? prepareFields(headers)
    if (typeof section === "string") return section
    if (!section.hasDate) section.fields.push(["date", date])
    this.head = { status, section }
    this.hasTrailers = trailers
    return undefined
  }

  /** Takes back a head that is held back; answers whether there was one. */
  withdraw(): boolean {
    if (this.held === undefined) return false
    this.head = "awaited"
    return true
  }

  /** Sends a head that is held back, before the length of the content is known. */
  flushHead(): void {
    const { held } = this
    if (held !== undefined) this.sendHead(held, undefined, false)
  }

  private sendHead(held: PreparedHead, wholeLength: number | undefined, isEnd: boolean): void {
    const { section, status } = held
    const trailers = this.hasTrailers
    this.head = "sent"
    this.carriesBody = !isContentless(status, this.isHead)
    section.contentLength = contentLengthToSend(status, section.contentLength, wholeLength, this.isHead, trailers)
    if (this.carriesBody) this.remaining = section.contentLength
    const isWhole = !this.carriesBody && !trailers
    this.connection.sendHeaders(this.stream, status, section, isEnd || (isWhole && wholeLength !== undefined))
  }

  /** The rest of the content has this many bytes; `ends` says whether the response ends with them. */
  announceBody(length: number, ends: boolean): string | undefined {
    const problem = this.checkLength(length, ends)
    if (problem !== undefined) return problem
    const { held } = this
    if (held !== undefined) this.sendHead(held, length, ends && length === 0)
    return undefined
  }

  /** Sends a piece of content, which is left out where there is none; `ends` says whether the response ends with it. */
  body(data: ByteString | Uint8Array, ends: boolean): string | undefined {
    const problem = this.checkLength(data.length, ends)
    if (problem !== undefined) return problem
    const { held } = this
    if (held !== undefined) {
      const isEmpty = data.length === 0 || isContentless(held.status, this.isHead)
      this.sendHead(held, ends ? data.length : undefined, ends && isEmpty)
      if (ends && isEmpty) return undefined
    }
    if (!this.carriesBody) {
      if (ends) this.connection.sendData(this.stream, "", true)
      return undefined
    }
    if (this.remaining !== undefined) this.remaining -= data.length
    this.connection.sendData(this.stream, data, ends)
    return undefined
  }

  /** Ends the response with the trailer section that its head has announced. */
  trailers(headers: HeaderBlock): string | undefined {
    if (!this.hasTrailers) return trailersNotAnnounced
    const section = prepareTrailers(headers)
    if (typeof section === "string") return section
    const problem = this.checkLength(0, true)
    if (problem !== undefined) return problem
    this.flushHead()
    this.connection.sendTrailers(this.stream, section)
    return undefined
  }

  private checkLength(length: number, ends: boolean): string | undefined {
    const { held } = this
    return lengthProblem(held === undefined ? this.remaining : this.statedLength(held), length, ends)
  }

  private statedLength({ section, status }: PreparedHead): number | undefined {
    return isContentless(status, this.isHead) ? undefined : section.contentLength
  }
}

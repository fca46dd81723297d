import type { ReceiveBuffer } from "@pagi/core/bytes/ReceiveBuffer"
import { CR, isToken, LF } from "./ByteClass.ts"
import { NeedData } from "./Event.ts"
import type { Limits } from "./Limits.ts"
import { protocolError, type ProtocolError } from "./ProtocolError.ts"
import { isMethodLongerThan, parseRequestHead, type RequestHead, requestLineProblem } from "./RequestHead.ts"
import { SectionSearch } from "./SectionSearch.ts"

/** Empty lines tolerated before a request line. Old clients send one behind a body (RFC 9112 §2.2). */
const MAX_EMPTY_LINES = 8

/** Reads one request head out of the buffer. */
export class HeadReader {
  private search: SectionSearch | undefined = undefined
  /** Whether the request line of a head that arrives in pieces has been looked at. */
  private isLineChecked = false
  private emptyLines = 0

  read(buffer: ReceiveBuffer, limits: Limits): RequestHead | ProtocolError | NeedData {
    if (this.search === undefined) {
      const problem = this.skipEmptyLines(buffer)
      if (problem !== undefined) return problem
      if (!mayStartRequest(buffer)) return protocolError("malformed-request-line")
      if (buffer.length === 0 || buffer.bytes[buffer.start] === CR) return NeedData
    }
    const search = this.search ?? new SectionSearch("request-head")
    const end = search.find(buffer, limits)
    if (end === undefined) {
      this.search = search
      return this.checkRequestLine(search, buffer) ?? NeedData
    }
    // Which of two errors is answered must not depend on how the bytes arrive.
    if (typeof end !== "number") return this.checkRequestLine(search, buffer) ?? nameMethod(end, buffer, limits)
    const head = parseRequestHead(buffer.bytes, buffer.start, end, limits)
    buffer.consumeTo(end)
    this.search = undefined
    this.isLineChecked = false
    this.emptyLines = 0
    return head
  }

  /** One that is wrong is answered when it has come: a client of HTTP/0.9 would not send anything behind it. */
  private checkRequestLine(search: SectionSearch, buffer: ReceiveBuffer): ProtocolError | undefined {
    if (this.isLineChecked || !search.hasRequestLine) return undefined
    this.isLineChecked = true
    return requestLineProblem(buffer.bytes, buffer.start)
  }

  private skipEmptyLines(buffer: ReceiveBuffer): ProtocolError | undefined {
    while (buffer.length > 1 && buffer.bytes[buffer.start] === CR && buffer.bytes[buffer.start + 1] === LF) {
      this.emptyLines++
      if (this.emptyLines > MAX_EMPTY_LINES) return protocolError("malformed-request-line")
      buffer.consumeTo(buffer.start + 2)
    }
    return undefined
  }
}

/** A request line that is too long because of its method is one of a method that nobody knows (RFC 9112 §3). */
const nameMethod = (error: ProtocolError, { bytes, start }: ReceiveBuffer, { maxHeaderSize }: Limits): ProtocolError =>
  error.reason === "request-line-too-long" && isMethodLongerThan(bytes, start, maxHeaderSize)
    ? protocolError("method-too-long")
    : error

/** Tells at the first byte what cannot become a request, for example a TLS handshake. */
const mayStartRequest = (buffer: ReceiveBuffer): boolean => {
  const first = buffer.bytes[buffer.start]
  if (buffer.length === 0 || isToken[first ?? 0] === 1) return true
  return first === CR && buffer.length === 1
}

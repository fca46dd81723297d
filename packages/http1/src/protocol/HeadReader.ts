import type { ReceiveBuffer } from "@pagi/core/ReceiveBuffer"
import { CR, isToken, LF } from "./ByteClass.ts"
import { NeedData } from "./Event.ts"
import type { Limits } from "./Limits.ts"
import { protocolError, type ProtocolError } from "./ProtocolError.ts"
import { parseRequestHead, type RequestHead } from "./RequestHead.ts"
import { SectionSearch } from "./SectionSearch.ts"

/** Empty lines tolerated before a request line. Old clients send one behind a body (RFC 9112 §2.2). */
const MAX_EMPTY_LINES = 8

/** Reads one request head out of the buffer. */
export class HeadReader {
  private search: SectionSearch | undefined = undefined
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
      return NeedData
    }
    if (typeof end !== "number") return end
    const head = parseRequestHead(buffer.bytes, buffer.start, end, limits)
    buffer.consumeTo(end)
    this.search = undefined
    this.emptyLines = 0
    return head
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

/** Tells at the first byte what cannot become a request, for example a TLS handshake. */
const mayStartRequest = (buffer: ReceiveBuffer): boolean => {
  const first = buffer.bytes[buffer.start]
  if (buffer.length === 0 || isToken[first ?? 0] === 1) return true
  return first === CR && buffer.length === 1
}

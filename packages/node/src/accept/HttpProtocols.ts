/** The versions of HTTP as rows of the table of protocols. */
import { fromBytes } from "@pagi/core/bytes/ByteString"
import type { HeaderBlock } from "@pagi/core/http/HeaderBlock"
import { errorContent } from "@pagi/core/http/ResponseContent"
import { Http1Driver } from "@pagi/http1/Http1Driver"
import * as Http1Settings from "@pagi/http1/Http1Settings"
import { errorResponse } from "@pagi/http1/protocol/ErrorResponse"
import { Http2Driver } from "@pagi/http2/Http2Driver"
import { refusal } from "@pagi/http2/protocol/Refusal"
import { matchPreface, preface } from "@pagi/http2/protocol/Preface"
import * as DriverOptions from "@pagi/http2/stream/DriverOptions"
import type { Protocol } from "./Protocol.ts"

/** Seconds after which a client that was turned away may try again, for Retry-After (RFC 9110 §10.2.3). */
const retryAfter = "1"

const capacityMessage = "the server is at capacity"

/** HTTP/1.1, and 1.0. */
export const http1: Protocol = {
  alpn: "http/1.1",
  prepare: ({ fibers, server, webSocket }) => {
    const settings = Http1Settings.makeSettings(server, webSocket)
    return {
      open: (transport) => new Http1Driver(settings, transport, fibers),
      refuse: (transport) => {
        const { date, exchanges, requestIds } = server
        const length = errorContent(capacityMessage).length
        const requestId = requestIds?.next()
        const fields: HeaderBlock = [["retry-after", retryAfter]]
        const headers = requestIds?.fieldsOf(fields, requestId) ?? fields
        exchanges?.begin(transport, undefined, requestId).answered(503, length, "at_capacity")
        transport.write(errorResponse(503, capacityMessage, date.value, { headers }))
      }
    }
  }
}

/**
 * Whether a first line is not even remotely one of HTTP/1: three words, but neither a target nor a version among them.
 * Whoever sends it may have meant the preface of HTTP/2, and is told so in that protocol (RFC 9113 §3.4).
 */
const isMistakenPreface = (bytes: Uint8Array): boolean =>
  /^[^ \r\n]+ [^ \r\n/:*]+ (?!HTTP)[^ \r\n/]+\r\n/.test(fromBytes(bytes, 0, Math.min(bytes.length, 64)))

/** HTTP/2: chosen by ALPN (RFC 9113 §3.2), or spoken by a client that begins with the preface (§3.3). */
export const http2: Protocol = {
  alpn: "h2",
  isOn: (options) => options.http2,
  recognises: (bytes) => {
    const matched = matchPreface(bytes, 0, bytes.length)
    if (matched < 0) return isMistakenPreface(bytes)
    return matched === preface.length ? true : undefined
  },
  prepare: ({ fibers, server, webSocket }) => {
    const settings = DriverOptions.makeSettings(server, webSocket)
    return {
      open: (transport) => new Http2Driver(settings, transport, fibers),
      // There is no request yet that could be answered.
      refuse: (transport) => {
        const { exchanges, requestIds } = server
        exchanges?.begin(transport, undefined, requestIds?.next()).answered(503, 0, "at_capacity")
        transport.write(refusal(capacityMessage))
      }
    }
  }
}

/** The server's own short answer, after which the connection closes. */
import type { ByteString } from "@pagi/core/bytes/ByteString"
import type { HeaderBlock } from "@pagi/core/http/HeaderBlock"
import { errorContent, errorContentType } from "@pagi/core/http/ResponseContent"
import { statusLine } from "./StatusLine.ts"

/** What can be varied in the server's own short answer. */
export interface ErrorResponseOptions {
  /** Fields to add, for example Retry-After. They are the server's own, and not validated. */
  readonly headers?: HeaderBlock
  /** Leaves the content out, for a request whose method is HEAD (RFC 9110 §9.3.2). */
  readonly head?: boolean
}

/**
 * The server's own short answer, after which the connection closes: to a `ProtocolError`, to a timeout, at capacity, or
 * for an application that failed before it started a response. `message` is ASCII; `date` is a ready-made IMF-fixdate.
 */
export const errorResponse = (
  status: number,
  message: string,
  date: string,
  options: ErrorResponseOptions = {}
): ByteString => {
  const content = errorContent(message)
  let head =
    statusLine(status) +
    `content-type: ${errorContentType}\r\ncontent-length: ${content.length}\r\nconnection: close\r\ndate: ${date}\r\n`
  for (const [name, value] of options.headers ?? []) head += `${name}: ${value}\r\n`
  return options.head === true ? head + "\r\n" : `${head}\r\n${content}`
}

import type { ByteString } from "@pagi/core/bytes/ByteString"

/** A response as a strict client understands it. */
export interface ClientResponse {
  readonly status: number
  readonly headers: ReadonlyArray<readonly [string, string]>
  readonly body: ByteString
  readonly trailers: ReadonlyArray<readonly [string, string]>
  readonly informational: ReadonlyArray<number>
  /** Whether the client may send another request on the connection (RFC 9112 §9.3). */
  readonly persistent: boolean
}

/** A response that broke a rule, which is a bug of the server under test. */
export class BadResponse extends Error {}

const splitLine = (text: ByteString): readonly [line: string, rest: ByteString] => {
  const end = text.indexOf("\r\n")
  if (end === -1) throw new BadResponse(`no line end in ${JSON.stringify(text.slice(0, 80))}`)
  const line = text.slice(0, end)
  if (/[\r\n]/.test(line)) throw new BadResponse(`bare line end in ${JSON.stringify(line)}`)
  return [line, text.slice(end + 2)]
}

const parseSection = (text: ByteString): readonly [fields: Array<readonly [string, string]>, rest: ByteString] => {
  const fields: Array<readonly [string, string]> = []
  let [line, rest] = splitLine(text)
  while (line !== "") {
    const match = /^([!#$%&'*+.^_`|~0-9a-z-]+): ?([\t\x20-\x7e\x80-\xff]*)$/.exec(line)
    if (match === null) throw new BadResponse(`bad field line ${JSON.stringify(line)}`)
    fields.push([match[1] ?? "", match[2] ?? ""])
    ;[line, rest] = splitLine(rest)
  }
  return [fields, rest]
}

const parseStatus = (line: string): number => {
  const match = /^HTTP\/1\.1 ([1-5][0-9][0-9]) [\t\x20-\x7e]*$/.exec(line)
  if (match === null) throw new BadResponse(`bad status line ${JSON.stringify(line)}`)
  return Number(match[1])
}

const parseChunks = (text: ByteString): readonly [body: ByteString, rest: ByteString] => {
  let body = ""
  let rest = text
  for (;;) {
    const [size, data] = splitLine(rest)
    if (!/^[0-9a-f]+$/.test(size)) throw new BadResponse(`bad chunk size ${JSON.stringify(size)}`)
    const length = Number.parseInt(size, 16)
    if (length === 0) return [body, data]
    if (data.slice(length, length + 2) !== "\r\n") throw new BadResponse("a chunk does not end with CR LF")
    body += data.slice(0, length)
    rest = data.slice(length + 2)
  }
}

const valuesOf = (headers: ReadonlyArray<readonly [string, string]>, name: string): Array<string> =>
  headers.filter((field) => field[0] === name).map((field) => field[1])

/**
 * Reads one response to a request with this method and version (RFC 9112 §6.3), where `closed` tells that the server
 * has ended the connection behind the text. Gives the response and what is left for the next one.
 */
export const readResponse = (
  text: ByteString,
  request: { readonly method: string; readonly httpVersion: "1.0" | "1.1"; readonly keepAlive: boolean },
  closed: boolean
): readonly [response: ClientResponse, rest: ByteString] => {
  const informational: Array<number> = []
  let [line, rest] = splitLine(text)
  let status = parseStatus(line)
  let [headers, content] = parseSection(rest)
  while (status < 200 && status !== 101) {
    if (request.httpVersion === "1.0") throw new BadResponse("informational response to an HTTP/1.0 client")
    checkNoFraming(headers)
    informational.push(status)
    ;[line, rest] = splitLine(content)
    status = parseStatus(line)
    ;[headers, content] = parseSection(rest)
  }
  const options = valuesOf(headers, "connection")
  const persistent =
    options.length === 0 ? request.httpVersion === "1.1" && request.keepAlive : options[0] === "keep-alive"
  const common = { status, headers, informational, trailers: [], persistent }
  const lengths = valuesOf(headers, "content-length")
  const codings = valuesOf(headers, "transfer-encoding")
  if (lengths.length + codings.length > 1) throw new BadResponse("ambiguous framing")
  if (status < 200 || status === 204) checkNoFraming(headers)
  if (request.method === "HEAD" || status < 200 || status === 204 || status === 304) {
    return [{ ...common, body: "" }, content]
  }
  if (codings.length === 1) {
    if (codings[0] !== "chunked" || request.httpVersion === "1.0") throw new BadResponse("bad transfer coding")
    const [body, afterBody] = parseChunks(content)
    const [trailers, afterTrailers] = parseSection(afterBody)
    return [{ ...common, body, trailers }, afterTrailers]
  }
  if (lengths.length === 1) {
    const length = Number(lengths[0])
    if (content.length < length) throw new BadResponse("short body")
    return [{ ...common, body: content.slice(0, length) }, content.slice(length)]
  }
  if (!closed || persistent) throw new BadResponse("a body without framing on a persistent connection")
  return [{ ...common, body: content }, ""]
}

const checkNoFraming = (headers: ReadonlyArray<readonly [string, string]>): void => {
  const framing = [...valuesOf(headers, "content-length"), ...valuesOf(headers, "transfer-encoding")]
  if (framing.length > 0) throw new BadResponse("framing fields in a response without content")
}

import type { ByteString } from "@pagi/core/bytes/ByteString"

type Fields = ReadonlyArray<readonly [string, string]>

/** The request that a response answers. */
export interface ClientRequest {
  readonly method: string
  readonly httpVersion: "1.0" | "1.1"
  readonly keepAlive: boolean
}

/** A response as a strict client understands it. */
export interface ClientResponse {
  readonly status: number
  readonly headers: Fields
  readonly body: ByteString
  readonly trailers: Fields
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

const parseChunkSize = (line: string): number => {
  if (!/^[0-9a-f]+$/.test(line)) throw new BadResponse(`bad chunk size ${JSON.stringify(line)}`)
  return Number.parseInt(line, 16)
}

const valuesOf = (headers: Fields, name: string): Array<string> =>
  headers.filter((field) => field[0] === name).map((field) => field[1])

const checkNoFraming = (headers: Fields): void => {
  const framing = [...valuesOf(headers, "content-length"), ...valuesOf(headers, "transfer-encoding")]
  if (framing.length > 0) throw new BadResponse("framing fields in a response without content")
}

/** Reads the response to one request, in whatever pieces it comes (RFC 9112 §6.3). */
export class ResponseReader {
  status: number | undefined = undefined
  headers: Fields = []
  body: ByteString = ""
  trailers: Fields = []
  readonly informational: Array<{ readonly status: number; readonly headers: Fields }> = []
  persistent = true
  /** What comes next. */
  step: "head" | "content" | "chunk size" | "chunk" | "trailers" | "content up to the close" | "nothing" = "head"
  readonly #request: ClientRequest
  #text: ByteString = ""
  /** Bytes of the content or the chunk that are still to come. */
  #left = 0

  constructor(request: ClientRequest) {
    this.#request = request
  }

  /** Takes what belongs to the response, and answers what is behind it. */
  read(text: ByteString): ByteString {
    this.#text += text
    while (this.#proceed());
    if (this.step !== "nothing") return ""
    const rest = this.#text
    this.#text = ""
    return rest
  }

  /** Reads the next part if all of it has come, or what there is of the content. */
  #proceed(): boolean {
    switch (this.step) {
      case "head":
        return this.#text.includes("\r\n\r\n") && this.#readHead()
      case "content":
        this.#take()
        if (this.#left === 0) this.step = "nothing"
        return false
      case "chunk size":
        return this.#text.includes("\r\n") && this.#readChunkSize()
      case "chunk":
        this.#take()
        return this.#left === 0 && this.#text.length >= 2 && this.#readChunkEnd()
      case "trailers":
        return (this.#text.startsWith("\r\n") || this.#text.includes("\r\n\r\n")) && this.#readTrailers()
      case "content up to the close":
        this.#left = this.#text.length
        this.#take()
        return false
      case "nothing":
        return false
    }
  }

  #take(): void {
    const taken = this.#text.slice(0, this.#left)
    this.body += taken
    this.#text = this.#text.slice(taken.length)
    this.#left -= taken.length
  }

  #readHead(): boolean {
    const [line, rest] = splitLine(this.#text)
    const status = parseStatus(line)
    const [headers, content] = parseSection(rest)
    this.#text = content
    if (status < 200 && status !== 101) {
      if (this.#request.httpVersion === "1.0") throw new BadResponse("informational response to an HTTP/1.0 client")
      checkNoFraming(headers)
      this.informational.push({ status, headers })
      return true
    }
    const options = valuesOf(headers, "connection")
    const { httpVersion, keepAlive } = this.#request
    this.persistent = options.length === 0 ? httpVersion === "1.1" && keepAlive : options[0] === "keep-alive"
    this.status = status
    this.headers = headers
    this.step = this.#stepBehindHead(status, headers)
    return true
  }

  #stepBehindHead(status: number, headers: Fields): ResponseReader["step"] {
    const { httpVersion, method } = this.#request
    const lengths = valuesOf(headers, "content-length")
    const codings = valuesOf(headers, "transfer-encoding")
    if (lengths.length + codings.length > 1) throw new BadResponse("ambiguous framing")
    if (status < 200 || status === 204) checkNoFraming(headers)
    if (method === "HEAD" || status < 200 || status === 204 || status === 304) return "nothing"
    if (codings.length === 1) {
      if (codings[0] !== "chunked" || httpVersion === "1.0") throw new BadResponse("bad transfer coding")
      return "chunk size"
    }
    if (lengths.length === 0) {
      if (this.persistent) throw new BadResponse("a body without framing on a persistent connection")
      return "content up to the close"
    }
    this.#left = Number(lengths[0])
    return this.#left === 0 ? "nothing" : "content"
  }

  #readChunkSize(): boolean {
    const [line, rest] = splitLine(this.#text)
    this.#text = rest
    this.#left = parseChunkSize(line)
    this.step = this.#left === 0 ? "trailers" : "chunk"
    return true
  }

  #readChunkEnd(): boolean {
    if (!this.#text.startsWith("\r\n")) throw new BadResponse("a chunk does not end with CR LF")
    this.#text = this.#text.slice(2)
    this.step = "chunk size"
    return true
  }

  #readTrailers(): boolean {
    ;[this.trailers, this.#text] = parseSection(this.#text)
    this.step = "nothing"
    return true
  }
}

/**
 * Reads one response that has to be whole, where `closed` tells that the server has ended the connection behind the text.
 * Gives the response and what is left for the next one.
 */
export const readResponse = (
  text: ByteString,
  request: ClientRequest,
  closed: boolean
): readonly [response: ClientResponse, rest: ByteString] => {
  const reader = new ResponseReader(request)
  const rest = reader.read(text)
  const { body, headers, persistent, status, step, trailers } = reader
  if (status === undefined || (step !== "nothing" && !(closed && step === "content up to the close"))) {
    throw new BadResponse(`the end of ${step} is missing in ${JSON.stringify(text.slice(0, 80))}`)
  }
  const informational = reader.informational.map((response) => response.status)
  return [{ status, headers, body, trailers, informational, persistent }, rest]
}

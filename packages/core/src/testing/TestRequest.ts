import type { HttpRequestHead } from "../exchange/RequestScope.ts"
import { isToken } from "../http/FieldSyntax.ts"
import type { HeaderBlock } from "../http/HeaderBlock.ts"
import { checkField } from "../http/ResponseField.ts"
import * as RequestPath from "../http/RequestPath.ts"

/** A piece of a body; text is sent as UTF-8. */
export type Content = string | Uint8Array

/** A request as a test writes it. */
export interface TestRequest {
  /** `GET` by default. */
  readonly method?: string
  /** Path and query, `/` by default. Percent-encoding is kept; what a client would have to encode is encoded. */
  readonly path?: string
  /** In addition to `host` and the fields that frame the body, unless they are among them. */
  readonly headers?: HeaderBlock
  /** The body, in one piece or in several. */
  readonly body?: Content | ReadonlyArray<Content>
}

/** A request whose body may go on after the application has begun. */
export interface OpenRequest extends TestRequest {
  /** Whether further pieces of the body follow through `sendBody`. */
  readonly more?: boolean
}

const encoder = new TextEncoder()

export const toBytes = (content: Content): Uint8Array =>
  typeof content === "string" ? encoder.encode(content) : content

const isSeveral = (body: Content | ReadonlyArray<Content>): body is ReadonlyArray<Content> => Array.isArray(body)

/** The pieces of the body that are there from the beginning. */
export const bodyPieces = ({ body }: TestRequest): ReadonlyArray<Uint8Array> =>
  body === undefined ? [] : isSeveral(body) ? body.map(toBytes) : [toBytes(body)]

const encodeTarget = (path: string): string => path.toWellFormed().replaceAll(/[^\x21-\x7e]+/g, encodeURIComponent)

/** The fields that every client adds. */
const clientFields = (request: OpenRequest, headers: HeaderBlock): HeaderBlock => {
  const isAbsent = (wanted: string) => headers.every(([name]) => name !== wanted)
  const fields: Array<readonly [string, string]> = isAbsent("host") ? [["host", "localhost"]] : []
  if (!isAbsent("content-length") || !isAbsent("transfer-encoding")) return fields
  if (request.more === true) return [...fields, ["transfer-encoding", "chunked"]]
  if (request.body === undefined) return fields
  const length = bodyPieces(request).reduce((sum, piece) => sum + piece.length, 0)
  return [...fields, ["content-length", String(length)]]
}

/** Several `cookie` fields become one, as servers do it. */
const combineCookies = (headers: HeaderBlock): HeaderBlock => {
  const first = headers.findIndex(([name]) => name === "cookie")
  const cookie = headers.flatMap(([name, value]) => (name === "cookie" ? [value] : [])).join("; ")
  return headers.flatMap((field, index): HeaderBlock =>
    field[0] !== "cookie" ? [field] : index === first ? [["cookie", cookie]] : []
  )
}

/** The head as a server reports it; `undefined` for one that a server answers with 400. */
export const makeHead = (request: OpenRequest): HttpRequestHead | undefined => {
  const { method = "GET", path: target = "/", headers: given = [] } = request
  const headers: Array<readonly [string, string]> = []
  for (const [name, value] of given) {
    const field = checkField(name, value)
    if (typeof field === "string") return undefined
    headers.push([field.name, value])
  }
  const encoded = encodeTarget(target)
  const queryMark = encoded.indexOf("?")
  const rawPath = queryMark === -1 ? encoded : encoded.slice(0, queryMark)
  const path = RequestPath.decode(rawPath)
  const isTarget = rawPath.startsWith("/") || (rawPath === "*" && method === "OPTIONS")
  if (path === undefined || !isTarget || !isToken(method)) return undefined
  return {
    method,
    path,
    rawPath,
    queryString: queryMark === -1 ? "" : encoded.slice(queryMark + 1),
    httpVersion: "1.1",
    headers: combineCookies([...clientFields(request, headers), ...headers])
  }
}

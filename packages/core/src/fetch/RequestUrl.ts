/** The whole URL of a request, as the Fetch standard has it: from its target, its host and how it came. */
import type { ByteString } from "../bytes/ByteString.ts"
import type { Address } from "../contract/Address.ts"
import { get, type HeaderBlock } from "../http/HeaderBlock.ts"

/** What a URL is made of. */
export interface UrlParts {
  readonly target: ByteString
  readonly headers: HeaderBlock
  readonly secure: boolean
  readonly server: Address | undefined
}

/** Targets that a URL parser takes as they are; "%" is looked at by itself. */
const plainTarget = /^\/[\w!$%&()*+,./:;=?@~-]*$/

/** A segment that could be "." or "..", also encoded, which a URL parser takes out. */
const dotSegment = /\/(?:\.|%2e)/i

/** The end of the URL of a target that is not plain. Bytes of a path stay what they are: "\" is no "/" to a server. */
const encodeTarget = (target: ByteString): string => {
  if (target === "*") return "/"
  const query = target.indexOf("?")
  const path = query === -1 ? target : target.slice(0, query)
  return encodeBytes(path.replaceAll("\\", "%5C") + (query === -1 ? "" : target.slice(query)))
}

/** The parser would take code units for characters and encode them as UTF-8. */
const encodeBytes = (text: ByteString): string =>
  text.replace(/[\u0080-\u00FF]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`)

/** The client of HTTP/1.0 need not name a host; then it is where it has connected to. */
const hostOf = (headers: HeaderBlock, server: Address | undefined): string => {
  const host = get(headers, "host")
  if (host !== undefined && host !== "") return host
  // A Unix socket has no port.
  if (server === undefined || server[1] === null) return "localhost"
  return server[0].includes(":") ? `[${server[0]}]:${server[1]}` : `${server[0]}:${server[1]}`
}

let lastHost = ""
let lastIsSecure = false
let lastOrigin: string | undefined

/** Scheme and host; `undefined` when the host is none for a URL. Clients name the same one again and again. */
const originOf = (host: string, secure: boolean): string | undefined => {
  if (host === lastHost && secure === lastIsSecure) return lastOrigin
  const url = URL.parse(`${secure ? "https" : "http"}://${host}/`)
  lastHost = host
  lastIsSecure = secure
  lastOrigin = url === null || url.username !== "" || url.password !== "" ? undefined : url.origin
  return lastOrigin
}

/** The URL, normalized as the URL standard wants it; `undefined` when host and target make none. */
export const requestUrl = ({ headers, secure, server, target }: UrlParts): string | undefined => {
  const origin = originOf(hostOf(headers, server), secure)
  if (origin === undefined) return undefined
  if (plainTarget.test(target) && !dotSegment.test(target)) return origin + target
  return URL.parse(origin + encodeTarget(target))?.href
}

import { isAuthority } from "@pagi/core/http/Authority"
import type { ByteString } from "@pagi/core/bytes/ByteString"
import { readPath } from "@pagi/core/http/RequestPath"
import { protocolError, type ProtocolError } from "./ProtocolError.ts"

/** The parts of a request-target. */
export interface RequestTarget {
  readonly rawPath: ByteString
  readonly path: string
  readonly queryString: ByteString
  /** Of an absolute form, which takes the place of the Host field (RFC 9112 §3.2.2). */
  readonly authority: ByteString | undefined
}

/**
 * Takes a request-target (RFC 9112 §3.2) apart. CONNECT has been refused before, so an authority form is an error here.
 */
export const parseTarget = (method: string, target: ByteString): RequestTarget | ProtocolError => {
  if (target.charCodeAt(0) === 0x2f) return splitQuery(target, undefined)
  if (target === "*") {
    return method === "OPTIONS"
      ? { rawPath: "*", path: "*", queryString: "", authority: undefined }
      : protocolError("malformed-target")
  }
  return parseAbsolute(target)
}

const splitQuery = (target: ByteString, authority: ByteString | undefined): RequestTarget | ProtocolError => {
  const parts = readPath(target)
  return parts === undefined ? protocolError("malformed-path") : { ...parts, authority }
}

/**
 * `absolute-form` (RFC 9112 §3.2.2), of the schemes that a server of this kind can stand for. The scheme says nothing
 * about how the request arrived. User information is refused (RFC 9110 §4.2.4), as is an empty host (RFC 9110 §4.2.1).
 */
const parseAbsolute = (target: ByteString): RequestTarget | ProtocolError => {
  const match = /^https?:\/\/([^/?]*)/i.exec(target)
  const authority = match?.[1]
  if (match === null || authority === undefined || !isAuthority(authority)) return protocolError("malformed-target")
  const rest = target.slice(match[0].length)
  return splitQuery(rest.startsWith("/") ? rest : `/${rest}`, authority)
}

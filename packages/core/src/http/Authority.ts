/** Whether a text is the authority of a URI: a host and perhaps a port (RFC 9110 §7.2, RFC 3986 §3.2). */
import type { ByteString } from "../bytes/ByteString.ts"
import { digitAt } from "../bytes/Hexadecimal.ts"

const ofCharacters = (characters: string): Uint8Array => {
  const table = new Uint8Array(256)
  for (const character of characters) table[character.charCodeAt(0)] = 1
  return table
}

const digits = "0123456789"
const letters = "abcdefghijklmnopqrstuvwxyz"

/** Code units of a `reg-name` without "%" (RFC 3986 §3.2.2): `unreserved` and `sub-delims`. */
const isHostName = ofCharacters(`-._~!$&'()*+,;=${digits}${letters}${letters.toUpperCase()}`)

/**
 * Whether a text is `uri-host [ ":" port ]` (RFC 9110 §7.2, RFC 3986 §3.2): a registered name or IPv4 address, or an
 * IPv6 address in brackets, and a port up to 65535, which may be empty. The host itself may not be empty
 * (RFC 9110 §4.2.1). User information cannot match. No IPvFuture literal was ever defined, so none is accepted.
 */
export const isAuthority = (text: ByteString): boolean => {
  if (text === lastValid && text !== "") return true
  const isValid = readsAsAuthority(text)
  if (isValid) lastValid = text
  return isValid
}

/** Clients name the same authority in request after request, so the last one is remembered. */
let lastValid: ByteString = ""

const readsAsAuthority = (text: ByteString): boolean => {
  const hostEnd = text.startsWith("[") ? ipv6End(text) : nameEnd(text)
  if (hostEnd <= 0) return false
  return hostEnd === text.length || (text[hostEnd] === ":" && isPort(text, hostEnd + 1))
}

/**
 * Whether a text may be the value of Host. An empty one is what a client has to send when its target URI has no
 * authority (RFC 9112 §3.2), and thus allowed.
 */
export const isHost = (text: ByteString): boolean => text.length === 0 || isAuthority(text)

const nameEnd = (text: ByteString): number => {
  let index = 0
  while (index < text.length) {
    const code = text.charCodeAt(index)
    if (isHostName[code] === 1) index++
    else if (code === 0x25 && isHexadecimal(text, index + 1) && isHexadecimal(text, index + 2)) index += 3
    else return index
  }
  return index
}

/** The index behind the closing bracket, -1 when the literal is malformed. */
const ipv6End = (text: ByteString): number => {
  const end = text.indexOf("]")
  return end !== -1 && isIpv6(text.slice(1, end)) ? end + 1 : -1
}

const group = /^[\da-f]{1,4}$/i

const decimal = /^(?:\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])$/

/**
 * `IPv6address` (RFC 3986 §3.2.2): eight groups of 16 bits, of which the last two may be written as an IPv4 address, and
 * one or more in a row, once, as "::".
 */
const isIpv6 = (text: string): boolean => {
  const [before = "", after, another] = text.split("::")
  if (another !== undefined) return false
  const isShort = after !== undefined
  const groups = isShort ? countGroups(before, false) + countGroups(after, true) : countGroups(before, true)
  return isShort ? groups <= 7 : groups === 8
}

/** How many groups a text is, infinitely many when it is none; an IPv4 address at its end counts for two. */
const countGroups = (text: string, mayEndInIpv4: boolean): number => {
  if (text === "") return 0
  const parts = text.split(":")
  const last = parts.at(-1) ?? ""
  const hasIpv4 = mayEndInIpv4 && isIpv4(last)
  const groups = hasIpv4 ? parts.slice(0, -1) : parts
  return groups.every((part) => group.test(part)) ? parts.length + (hasIpv4 ? 1 : 0) : Number.POSITIVE_INFINITY
}

const isIpv4 = (text: string): boolean => {
  const parts = text.split(".")
  return parts.length === 4 && parts.every((part) => decimal.test(part))
}

const isHexadecimal = (text: ByteString, index: number): boolean => digitAt(text, index) !== undefined

const isPort = (text: ByteString, start: number): boolean => {
  let port = 0
  for (let index = start; index < text.length; index++) {
    const digit = text.charCodeAt(index) - 0x30
    if (!(digit >= 0 && digit <= 9)) return false
    port = port * 10 + digit
    if (port > 65535) return false
  }
  return true
}

/** How proxies write who sent them a request: the nodes of `X-Forwarded-For` and of `Forwarded` (RFC 7239 §6). */
import type { ByteString } from "../bytes/ByteString.ts"

/** An address and a port, which is 0 where it is not told; or `unix` for the peer of a Unix socket. */
export type ForwardedNode = readonly [host: string, port: number] | "unix"

/** The longest node that is looked at: an IPv6 address in brackets and an obfuscated port. */
const longest = 128

const ipv4 = /^(?:(?:\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])(?:\.(?!$)|$)){4}$/

/** An IPv4 address in IPv6, as the URL standard writes it. */
const mapped = /^::ffff:([\da-f]{1,4}):([\da-f]{1,4})$/

const bytesOf = (group: string): string => {
  const value = Number.parseInt(group, 16)
  return `${value >> 8}.${value & 255}`
}

/** The address in its shortest spelling, and one of IPv4 as such; nothing of a text that is none. */
const readIpv6 = (text: string): string | undefined => {
  if (!/^[\da-f:.]+$/i.test(text)) return undefined
  const hostname = URL.parse(`http://[${text}]/`)?.hostname.slice(1, -1)
  const [, high, low] = hostname === undefined ? [] : (mapped.exec(hostname) ?? [])
  return high === undefined || low === undefined ? hostname : `${bytesOf(high)}.${bytesOf(low)}`
}

/** The port behind a host; 0 for one that is obfuscated (RFC 7239 §6.2), nothing for what is none. */
const readPort = (text: string): number | undefined => {
  if (/^_[\w.-]+$/.test(text)) return 0
  return /^\d{1,5}$/.test(text) && Number(text) <= 65_535 ? Number(text) : undefined
}

const node = (host: string | undefined, port: string | undefined): ForwardedNode | undefined => {
  const number = port === undefined ? 0 : readPort(port)
  return host === undefined || number === undefined ? undefined : [host, number]
}

/**
 * Reads a node. Nothing of `unknown`, of an obfuscated name such as `_hidden`, and of everything that is no address: who
 * that is nobody knows. Brackets around IPv6 may be missing when there is no port. nginx calls a Unix socket `unix:`.
 */
export const parse = (text: ByteString): ForwardedNode | undefined => {
  if (text.length > longest) return undefined
  if (text === "unix:" || text === "unix") return "unix"
  if (text.startsWith("[")) {
    const end = text.indexOf("]")
    const rest = text.slice(end + 1)
    if (end === -1 || (rest !== "" && !rest.startsWith(":"))) return undefined
    return node(readIpv6(text.slice(1, end)), rest === "" ? undefined : rest.slice(1))
  }
  const colon = text.indexOf(":")
  if (colon !== text.lastIndexOf(":")) return node(readIpv6(text), undefined)
  const host = colon === -1 ? text : text.slice(0, colon)
  return ipv4.test(host) ? node(host, colon === -1 ? undefined : text.slice(colon + 1)) : undefined
}

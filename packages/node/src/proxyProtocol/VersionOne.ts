/** Version 1 of the PROXY protocol: one line of text. */
import type { Address } from "@pagi/core/contract/Address"
import type { Proxied, Reading } from "./Header.ts"
import { parseDecimal, parseIpv4, parseIpv6 } from "./IpAddress.ts"

/** What it begins with. */
export const signature = new Uint8Array([0x50, 0x52, 0x4f, 0x58, 0x59, 0x20]) // "PROXY "

/** The longest line, with its end, that there can be. */
export const longestLine = 107

/** Reads bytes that begin with the signature. */
export const read = (bytes: Uint8Array): Reading => {
  const isWhole = bytes.length >= longestLine
  const start = isWhole ? bytes.subarray(0, longestLine) : bytes
  const end = start.indexOf(0x0a)
  const carriageReturn = start.indexOf(0x0d)
  // A return that is not followed by the end of the line will never be part of a good one.
  if (carriageReturn >= 0 && carriageReturn < start.length - 1 && end !== carriageReturn + 1) return "proxy-malformed"
  if (end < 0) return isWhole ? "proxy-too-long" : undefined
  if (carriageReturn !== end - 1) return "proxy-malformed"
  const proxied = parse(String.fromCharCode(...start.subarray(signature.length, end - 1)))
  return proxied === "proxy-malformed" ? proxied : { length: end + 1, proxied }
}

const parse = (line: string): Proxied | "proxy-malformed" | undefined => {
  // What else there is in such a line is to be ignored.
  if (/^UNKNOWN(?: |$)/.test(line)) return undefined
  const [family, source = "", destination = "", sourcePort = "", destinationPort = "", ...more] = line.split(" ")
  const parseHost = family === "TCP4" ? parseIpv4 : family === "TCP6" ? parseIpv6 : undefined
  if (parseHost === undefined || more.length > 0) return "proxy-malformed"
  const client = addressOf(parseHost(source), parseDecimal(sourcePort, 65_535))
  const server = addressOf(parseHost(destination), parseDecimal(destinationPort, 65_535))
  if (client === undefined || server === undefined) return "proxy-malformed"
  return { client, server, secure: false, hasCertificate: false, alpn: undefined, authority: undefined }
}

const addressOf = (host: string | undefined, port: number | undefined): Address | undefined =>
  host === undefined || port === undefined ? undefined : [host, port]

/** Version 2 of the PROXY protocol: a binary header of addresses and, after them, of fields with types and lengths. */
import type { Address } from "@pagi/core/contract/Address"
import { crc32c } from "./Crc32c.ts"
import type { HeaderProblem, Proxied, Reading } from "./Header.ts"
import { formatIpv4, formatIpv6 } from "./IpAddress.ts"

/** What it begins with, which is nothing that any other protocol begins with. */
export const signature = new Uint8Array([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a])

/** Signature, command, family and length. */
const fixedLength = 16

/** The most that may follow these: the protocol allows for 64 KiB, and proxies send some hundred bytes. */
export const longestBlock = 4096

/** Version and command in one byte. */
const local = 0x20
const proxy = 0x21

/** Family and transport in one byte, and how many bytes each of the two addresses takes without its port. */
const unspecified = 0x00
const addressLengths: Readonly<Record<number, number>> = { 0x11: 4, 0x12: 4, 0x21: 16, 0x22: 16, 0x31: 108, 0x32: 108 }

/** Types of fields. */
const alpnType = 0x01
const authorityType = 0x02
const checksumType = 0x03
const tlsType = 0x20

/** What the first byte of the field about TLS says of the client. */
const speaksTls = 0x01
const showsCertificate = 0x02 | 0x04

/** Reads bytes that begin with the signature. */
export const read = (bytes: Uint8Array): Reading => {
  const command = bytes[12]
  if (command !== undefined && command !== local && command !== proxy) return "proxy-malformed"
  const family = bytes[13]
  const isKnown = family === undefined || family === unspecified || addressLengths[family] !== undefined
  if (command === proxy && !isKnown) return "proxy-malformed"
  if (bytes.length < fixedLength) return undefined
  const blockLength = numberAt(bytes, 14)
  if (blockLength > longestBlock) return "proxy-too-long"
  const length = fixedLength + blockLength
  if (bytes.length < length) return undefined
  // Whatever else is in such a header is to be ignored.
  if (command === local || family === undefined || family === unspecified) return { length, proxied: undefined }
  const proxied = readProxied(bytes.subarray(0, length), family)
  return typeof proxied === "string" ? proxied : { length, proxied }
}

const numberAt = (bytes: Uint8Array, index: number): number => (bytes[index] ?? 0) * 256 + (bytes[index + 1] ?? 0)

/** Reads what is in a whole header. */
const readProxied = (header: Uint8Array, family: number): Proxied | HeaderProblem => {
  const size = addressLengths[family] ?? 0
  const isUnix = size === 108
  const start = fixedLength + 2 * size + (isUnix ? 0 : 4)
  if (start > header.length) return "proxy-malformed"
  const fields = readFields(header, start)
  if (typeof fields === "string") return fields
  const source = header.subarray(fixedLength, fixedLength + size)
  const destination = header.subarray(fixedLength + size, fixedLength + 2 * size)
  if (isUnix) return { ...fields, client: undefined, server: unixAddress(destination) }
  const format = size === 4 ? formatIpv4 : formatIpv6
  return {
    ...fields,
    client: [format(source), numberAt(header, start - 4)],
    server: [format(destination), numberAt(header, start - 2)]
  }
}

/** A path ends with a zero byte, unless it takes all the room. One that begins with a zero is in no file system. */
const unixAddress = (bytes: Uint8Array): Address | undefined => {
  const end = bytes.indexOf(0)
  return end === 0 ? undefined : [textOf(end < 0 ? bytes : bytes.subarray(0, end)), null]
}

const decoder = new TextDecoder()

const textOf = (bytes: Uint8Array): string => decoder.decode(bytes)

type Fields = Omit<Proxied, "client" | "server">

/** Reads the fields from `start` to the end of the header. Those of other types are not for us. */
const readFields = (header: Uint8Array, start: number): Fields | HeaderProblem => {
  let [secure, hasCertificate, hasChecksum] = [false, false, false]
  let [alpn, authority]: [string | undefined, string | undefined] = [undefined, undefined]
  let index = start
  while (index < header.length) {
    const from = index + 3
    const to = from + numberAt(header, index + 1)
    if (from > header.length || to > header.length) return "proxy-malformed"
    const value = header.subarray(from, to)
    switch (header[index]) {
      case alpnType:
        alpn = textOf(value)
        break
      case authorityType:
        if (value.length > 255) return "proxy-malformed"
        authority = textOf(value)
        break
      case checksumType:
        if (value.length !== 4 || hasChecksum) return "proxy-malformed"
        hasChecksum = true
        if (numberAt(value, 0) * 65_536 + numberAt(value, 2) !== crc32c(header, from, to)) return "proxy-checksum"
        break
      case tlsType:
        if (value.length < 5) return "proxy-malformed"
        secure = ((value[0] ?? 0) & speaksTls) !== 0
        hasCertificate = secure && ((value[0] ?? 0) & showsCertificate) !== 0
    }
    index = to
  }
  return { secure, hasCertificate, alpn, authority }
}

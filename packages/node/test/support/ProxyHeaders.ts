/** Headers of the PROXY protocol as proxies make them, for tests. */
import { crc32c } from "../../src/proxyProtocol/Crc32c.ts"

/** What version 2 begins with. */
export const signature = Buffer.from("0d0a0d0a000d0a515549540a", "hex")

/** A field of a type. */
export const field = (type: number, value: string | Uint8Array): Buffer => {
  const bytes = Buffer.from(value)
  return Buffer.concat([Buffer.from([type, bytes.length >> 8, bytes.length & 255]), bytes])
}

/** A header of version 2: command and family as on the wire, and what follows the length. */
export const versionTwo = (command: number, family: number, ...block: ReadonlyArray<Uint8Array>): Buffer => {
  const body = Buffer.concat(block)
  return Buffer.concat([signature, Buffer.from([command, family, body.length >> 8, body.length & 255]), body])
}

/** From 192.0.2.7, port 258, to 198.51.100.1, port 443. */
export const ipv4Block = Buffer.from("c0000207c6336401010201bb", "hex")

/** From 2001:db8::7 to ::ffff:198.51.100.1, with the same ports. */
export const ipv6Block = Buffer.concat([
  Buffer.from("20010db8000000000000000000000007", "hex"),
  Buffer.from("00000000000000000000ffffc6336401", "hex"),
  Buffer.from("010201bb", "hex")
])

/** The same header with its checksum as the last field. */
export const withChecksum = (command: number, family: number, ...block: ReadonlyArray<Uint8Array>): Buffer => {
  const header = versionTwo(command, family, ...block, field(3, new Uint8Array(4)))
  header.writeUInt32BE(crc32c(header), header.length - 4)
  return header
}

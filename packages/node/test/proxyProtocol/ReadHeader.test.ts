import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import type { Address } from "@pagi/core/Address"
import { crc32c } from "../../src/proxyProtocol/Crc32c.ts"
import { formatIpv6, parseIpv6 } from "../../src/proxyProtocol/IpAddress.ts"
import { readHeader } from "../../src/proxyProtocol/ReadHeader.ts"
import { field, ipv4Block, ipv6Block, signature, versionTwo, withChecksum } from "../support/ProxyHeaders.ts"

const latin1 = (text: string): Uint8Array => Buffer.from(text, "latin1")

const plain = { secure: false, hasCertificate: false, alpn: undefined, authority: undefined }

const tcp4 = "PROXY TCP4 192.0.2.7 198.51.100.1 258 443\r\n"

const unixBlock = (source: string, destination: string): Uint8Array => {
  const block = Buffer.alloc(216)
  block.write(source, 0)
  block.write(destination, 108)
  return block
}

describe("a header of version 1", () => {
  it("says both ends of a connection over TCP", () => {
    assert.deepStrictEqual(readHeader(latin1(`${tcp4}GET /`)), {
      length: tcp4.length,
      proxied: { ...plain, client: ["192.0.2.7", 258], server: ["198.51.100.1", 443] }
    })
    const line = "PROXY TCP6 2001:DB8:0:0:0:0:0:7 ::ffff:198.51.100.1 258 443\r\n"
    assert.deepStrictEqual(readHeader(latin1(line)), {
      length: line.length,
      proxied: { ...plain, client: ["2001:db8::7", 258], server: ["::ffff:198.51.100.1", 443] }
    })
  })

  it("may say that nothing is known, with whatever follows", () => {
    for (const line of [
      "PROXY UNKNOWN\r\n",
      "PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n",
      "PROXY UNKNOWN \x00 whatever\r\n"
    ]) {
      assert.deepStrictEqual(readHeader(latin1(line)), { length: line.length, proxied: undefined })
    }
  })

  it("has 107 bytes at most", () => {
    const longest = `PROXY UNKNOWN ${"a".repeat(91)}\r\n`
    assert.strictEqual(longest.length, 107)
    assert.deepStrictEqual(readHeader(latin1(longest)), { length: 107, proxied: undefined })
    assert.strictEqual(readHeader(latin1(`PROXY UNKNOWN ${"a".repeat(92)}\r\n`)), "proxy-too-long")
    assert.isUndefined(readHeader(latin1(`PROXY UNKNOWN ${"a".repeat(92)}`)))
    assert.strictEqual(readHeader(latin1(`PROXY UNKNOWN ${"a".repeat(93)}`)), "proxy-too-long")
  })

  it.each([
    "PROXY \r\n",
    "PROXY UNKNOWNS\r\n",
    "PROXY TCP5 192.0.2.7 198.51.100.1 258 443\r\n",
    "PROXY  TCP4 192.0.2.7 198.51.100.1 258 443\r\n",
    "PROXY TCP4 192.0.2.7 198.51.100.1 258 443 \r\n",
    "PROXY TCP4 192.0.2.7 198.51.100.1 258\r\n",
    "PROXY TCP4 192.0.2.07 198.51.100.1 258 443\r\n",
    "PROXY TCP4 192.0.2.256 198.51.100.1 258 443\r\n",
    "PROXY TCP4 192.0.2 198.51.100.1 258 443\r\n",
    "PROXY TCP4 ::1 ::1 258 443\r\n",
    "PROXY TCP6 192.0.2.7 198.51.100.1 258 443\r\n",
    "PROXY TCP6 ::1%lo ::1 258 443\r\n",
    "PROXY TCP6 1::2::3 ::1 258 443\r\n",
    "PROXY TCP6 :1 ::1 258 443\r\n",
    "PROXY TCP6 1:2:3:4:5:6:7 ::1 258 443\r\n",
    "PROXY TCP6 1:2:3:4:5:6:7::8:9 ::1 258 443\r\n",
    "PROXY TCP6 1.2.3.4::1 ::1 258 443\r\n",
    "PROXY TCP4 192.0.2.7 198.51.100.1 65536 443\r\n",
    "PROXY TCP4 192.0.2.7 198.51.100.1 0258 443\r\n",
    "PROXY TCP4 192.0.2.7 198.51.100.1 +258 443\r\n",
    "PROXY TCP4 192.0.2.7 198.51.100.1 258 443\n",
    "PROXY TCP4 192.0.2.7\r198.51.100.1 258 443\r\n"
  ])("is refused: %j", (line) => {
    assert.strictEqual(readHeader(latin1(line)), "proxy-malformed")
  })
})

describe("a header of version 2", () => {
  it("says both ends of a connection", () => {
    const client: Address = ["192.0.2.7", 258]
    const server: Address = ["198.51.100.1", 443]
    assert.deepStrictEqual(readHeader(Buffer.concat([versionTwo(0x21, 0x11, ipv4Block), latin1("GET")])), {
      length: 28,
      proxied: { ...plain, client, server }
    })
    // HTTP/3 in front comes over UDP.
    assert.deepStrictEqual(readHeader(versionTwo(0x21, 0x12, ipv4Block)), {
      length: 28,
      proxied: { ...plain, client, server }
    })
    assert.deepStrictEqual(readHeader(versionTwo(0x21, 0x21, ipv6Block)), {
      length: 52,
      proxied: { ...plain, client: ["2001:db8::7", 258], server: ["::ffff:198.51.100.1", 443] }
    })
  })

  it("says the path of a Unix socket, and nothing of its client", () => {
    const read = (source: string, destination: string) =>
      readHeader(versionTwo(0x21, 0x31, unixBlock(source, destination)))
    const proxied = { ...plain, client: undefined, server: ["/run/front.sock", null] as const }
    assert.deepStrictEqual(read("127.0.0.1", "/run/front.sock"), { length: 232, proxied })
    assert.deepStrictEqual(read("", "\0abstract"), { length: 232, proxied: { ...proxied, server: undefined } })
    const long = "/".padEnd(108, "x")
    assert.deepStrictEqual(read("", long), { length: 232, proxied: { ...proxied, server: [long, null] } })
  })

  it("says nothing where the proxy speaks for itself or knows nothing", () => {
    for (const [command, family] of [
      [0x20, 0x00],
      [0x20, 0x11],
      [0x20, 0xff],
      [0x21, 0x00]
    ] as const) {
      assert.deepStrictEqual(readHeader(versionTwo(command, family, ipv4Block)), { length: 28, proxied: undefined })
      assert.deepStrictEqual(readHeader(versionTwo(command, family)), { length: 16, proxied: undefined })
    }
  })

  it("says what TLS in front has settled", () => {
    const read = (tls: number) => {
      const about = Buffer.from([tls, 0, 0, 0, 0])
      const reading = readHeader(
        withChecksum(0x21, 0x11, ipv4Block, field(1, "h2"), field(2, "a.example"), field(0x20, about), field(0xee, "?"))
      )
      return typeof reading === "object" ? reading.proxied : undefined
    }
    const addresses = { client: ["192.0.2.7", 258], server: ["198.51.100.1", 443] } as const
    const told = { ...addresses, alpn: "h2", authority: "a.example" }
    assert.deepStrictEqual(read(0), { ...told, secure: false, hasCertificate: false })
    assert.deepStrictEqual(read(1), { ...told, secure: true, hasCertificate: false })
    assert.deepStrictEqual(read(3), { ...told, secure: true, hasCertificate: true })
    assert.deepStrictEqual(read(5), { ...told, secure: true, hasCertificate: true })
    assert.deepStrictEqual(read(6), { ...told, secure: false, hasCertificate: false })
  })

  it("has 4112 bytes at most", () => {
    const filler = (length: number) => field(4, new Uint8Array(length - ipv4Block.length - 3))
    const longest = versionTwo(0x21, 0x11, ipv4Block, filler(4096))
    assert.strictEqual((readHeader(longest) as { readonly length: number }).length, 4112)
    const beyond = versionTwo(0x21, 0x11, ipv4Block, filler(4097))
    assert.strictEqual(readHeader(beyond.subarray(0, 16)), "proxy-too-long")
  })

  it("may have a checksum, which must be right then", () => {
    const good = withChecksum(0x21, 0x11, ipv4Block, field(2, "a"))
    assert.isObject(readHeader(good))
    for (let index = 16; index < good.length; index++) {
      // Without this byte, its type, there is no checksum.
      if (index === good.length - 7) continue
      const bad = Buffer.from(good)
      bad[index] = (bad[index] ?? 0) ^ 1
      assert.isString(readHeader(bad), `with another byte ${index}`)
    }
    const other = Buffer.from(good)
    other[16] = 1
    assert.strictEqual(readHeader(other), "proxy-checksum")
    assert.strictEqual(crc32c(latin1("123456789")), 0xe306_9283)
  })

  it.each([
    ["a version that does not exist", versionTwo(0x11, 0x11, ipv4Block)],
    ["a command that does not exist", versionTwo(0x22, 0x11, ipv4Block)],
    ["a family that does not exist", versionTwo(0x21, 0x41, ipv4Block)],
    ["a transport that does not exist", versionTwo(0x21, 0x13, ipv4Block)],
    ["addresses that are cut off", versionTwo(0x21, 0x11, ipv4Block.subarray(1))],
    ["paths that are cut off", versionTwo(0x21, 0x31, new Uint8Array(215))],
    ["a field without a length", versionTwo(0x21, 0x11, ipv4Block, new Uint8Array([4, 0]))],
    ["a field longer than the header", versionTwo(0x21, 0x11, ipv4Block, new Uint8Array([4, 0, 2, 0]))],
    ["a checksum of three bytes", versionTwo(0x21, 0x11, ipv4Block, field(3, "abc"))],
    ["a field about TLS of four bytes", versionTwo(0x21, 0x11, ipv4Block, field(0x20, "abcd"))],
    ["an authority of 256 bytes", versionTwo(0x21, 0x11, ipv4Block, field(2, "a".repeat(256)))]
  ])("is refused with %s", (_, header) => {
    assert.strictEqual(readHeader(header), "proxy-malformed")
  })
})

describe("what is no header", () => {
  it.each([
    "GET / HTTP/1.1\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "\x16\x03\x01",
    "proxy TCP4",
    " PROXY",
    "\r\n\r\n\r\n",
    "P",
    `\r\n${tcp4}`
  ])("is known by its first bytes: %j", (text) => {
    const reading = readHeader(latin1(text))
    if (text === "P") assert.isUndefined(reading)
    else assert.strictEqual(reading, "proxy-missing")
  })
})

const integer = (minimum: number, maximum: number) =>
  Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum, maximum })))

const bytesOf = (maxLength: number, minLength = 0) =>
  Arbitrary.array(integer(0, 255), { minLength, maxLength }).pipe(Arbitrary.map((codes) => Uint8Array.from(codes)))

const samples: ReadonlyArray<Uint8Array> = [
  latin1(tcp4),
  latin1("PROXY UNKNOWN\r\n"),
  latin1("PROXY TCP6 ::1 ::2 1 2\r\n"),
  versionTwo(0x21, 0x11, ipv4Block),
  versionTwo(0x20, 0x00),
  withChecksum(0x21, 0x21, ipv6Block, field(2, "a.example"), field(0x20, "\x01\0\0\0\0")),
  versionTwo(0x21, 0x31, unixBlock("/a", "/b"))
]

const headers = integer(0, samples.length - 1).pipe(Arbitrary.map((index) => samples[index] ?? new Uint8Array(0)))

/** Bytes by the places where they are put. */
const changes = Arbitrary.array(Arbitrary.all([integer(0, 250), integer(0, 255)]), { maxLength: 4 })

/** What is known when all has come, however it was split. */
const readInPieces = (bytes: Uint8Array) => {
  for (let length = 1; length < bytes.length; length++) {
    const reading = readHeader(bytes.subarray(0, length))
    if (reading !== undefined) return { reading, length }
  }
  return { reading: readHeader(bytes), length: bytes.length }
}

describe("a header, split anywhere", () => {
  it.prop("is read when its last byte has come", [headers, bytesOf(40)], ([header, rest]) => {
    const whole = readHeader(Buffer.concat([header, rest]))
    const { length, reading } = readInPieces(Buffer.concat([header, rest]))
    assert.deepStrictEqual(reading, whole)
    assert.strictEqual(length, header.length)
  })

  it.prop("never makes the reader throw, and what is wrong stays wrong", [headers, changes], ([header, places]) => {
    const bytes = Buffer.from(header)
    for (const [index, byte] of places) if (index < bytes.length) bytes[index] = byte
    const { length, reading } = readInPieces(bytes)
    // Of several rules that are broken, another one may be seen first.
    if (typeof reading === "string") assert.isString(readHeader(bytes))
    else assert.deepStrictEqual(readHeader(bytes), reading)
    if (typeof reading === "object") assert.strictEqual(reading.length, length)
  })

  it.prop("of any bytes is no header unless they begin like one", [bytesOf(60, 1)], ([bytes]) => {
    const reading = readHeader(bytes)
    if (bytes[0] !== 0x50 && bytes[0] !== signature[0]) assert.strictEqual(reading, "proxy-missing")
  })
})

describe("an address of IPv6", () => {
  it.prop("is the same from bytes and from its text", [bytesOf(16, 16)], ([bytes]) => {
    const text = formatIpv6(bytes)
    assert.strictEqual(parseIpv6(text), text)
    const long = Buffer.from(bytes).toString("hex").match(/.{4}/g)?.join(":") ?? ""
    assert.strictEqual(parseIpv6(long), text)
    assert.strictEqual(new URL(`http://[${text}]/`).hostname, new URL(`http://[${long}]/`).hostname)
  })

  it.each([
    ["0:0:0:0:0:0:0:0", "::"],
    ["0:0:0:0:0:0:0:1", "::1"],
    ["1:0:0:2:0:0:0:3", "1:0:0:2::3"],
    ["1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"],
    ["ABCD:0:0:1:0:0:2:3", "abcd::1:0:0:2:3"],
    ["0:0:0:0:0:ffff:c000:207", "::ffff:192.0.2.7"]
  ])("%s is written as %s", (long, short) => {
    assert.strictEqual(parseIpv6(long), short)
  })
})

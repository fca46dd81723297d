import { type ByteString, toBytes } from "@pagi/core/bytes/ByteString"
import { assert, describe, it } from "@effect/vitest"
import { once } from "node:events"
import { type ClientHttp2Session, connect, type IncomingHttpHeaders, type Settings } from "node:http2"
import { type AddressInfo, createServer, type Socket } from "node:net"
import { Decoder } from "../../../src/protocol/hpack/Decoder.ts"
import { Encoder } from "../../../src/protocol/hpack/Encoder.ts"
import { decodeBlock, encodeBlock, type Pair } from "./Blocks.ts"

const prefaceLength = 24
const headerLength = 9
const HEADERS = 1
const SETTINGS = 4
const END_HEADERS_AND_STREAM = 0x05
const ACK = 0x01
const PRIORITY = 0x20
const HEADER_TABLE_SIZE = 1

const frame = (type: number, flags: number, streamId: number, payload: Uint8Array): Buffer => {
  const bytes = Buffer.alloc(headerLength + payload.length)
  bytes.writeUIntBE(payload.length, 0, 3)
  bytes[3] = type
  bytes[4] = flags
  bytes.writeUInt32BE(streamId, 5)
  bytes.set(payload, headerLength)
  return bytes
}

const setting = (id: number, value: number): Buffer => {
  const bytes = Buffer.alloc(6)
  bytes.writeUInt16BE(id, 0)
  bytes.writeUInt32BE(value, 2)
  return bytes
}

type Response = ReadonlyArray<Pair>

/** Just enough of a server to answer each request with the next of some responses. */
class Peer {
  readonly requests: Array<ReadonlyArray<Pair> | undefined> = []
  private readonly encoder = new Encoder()
  private readonly decoder: Decoder
  private readonly responses: Iterator<Response>
  private readonly socket: Socket
  private input: Buffer = Buffer.alloc(0)
  private hasPreface = false

  constructor(socket: Socket, tableSize: number, responses: Iterable<Response>) {
    this.socket = socket
    this.decoder = new Decoder(tableSize)
    this.responses = responses[Symbol.iterator]()
    socket.write(frame(SETTINGS, 0, 0, setting(HEADER_TABLE_SIZE, tableSize)))
    socket.on("data", (bytes) => this.receive(bytes))
  }

  private receive(bytes: Buffer): void {
    this.input = Buffer.concat([this.input, bytes])
    if (!this.hasPreface && this.input.length < prefaceLength) return
    if (!this.hasPreface) this.input = this.input.subarray(prefaceLength)
    this.hasPreface = true
    while (this.input.length >= headerLength) {
      const end = headerLength + this.input.readUIntBE(0, 3)
      if (this.input.length < end) return
      const [, , , type = 0, flags = 0] = this.input
      this.receiveFrame(type, flags, this.input.readUInt32BE(5), this.input.subarray(headerLength, end))
      this.input = this.input.subarray(end)
    }
  }

  private receiveFrame(type: number, flags: number, streamId: number, payload: Buffer): void {
    if (type === SETTINGS && flags !== ACK) {
      for (let index = 0; index < payload.length; index += 6) {
        if (payload.readUInt16BE(index) === HEADER_TABLE_SIZE)
          this.encoder.setMaxTableSize(payload.readUInt32BE(index + 2))
      }
      this.socket.write(frame(SETTINGS, ACK, 0, Buffer.alloc(0)))
    }
    if (type !== HEADERS) return
    this.requests.push(decodeBlock(this.decoder, payload.subarray((flags & PRIORITY) === 0 ? 0 : 5)))
    const response = this.responses.next()
    const fields = response.done === true ? [] : response.value
    this.socket.write(frame(HEADERS, END_HEADERS_AND_STREAM, streamId, encodeBlock(this.encoder, fields)))
  }
}

const request = async (session: ClientHttp2Session, headers: Readonly<Record<string, string>>) => {
  const stream = session.request(headers)
  const [received] = (await once(stream, "response")) as [IncomingHttpHeaders]
  stream.resume()
  await once(stream, "close")
  return received
}

interface Exchanged {
  readonly requests: ReadonlyArray<ReadonlyArray<Pair> | undefined>
  readonly received: ReadonlyArray<IncomingHttpHeaders>
}

/** Sends the requests one after another from Node's client, which is nghttp2, to our end. */
const exchange = async (
  requests: ReadonlyArray<Readonly<Record<string, string>>>,
  responses: ReadonlyArray<Response>,
  { tableSize = 4096, settings = {} }: { readonly tableSize?: number; readonly settings?: Settings } = {}
): Promise<Exchanged> => {
  let peer: Peer | undefined
  const server = createServer((socket) => (peer = new Peer(socket, tableSize, responses)))
  await once(server.listen(0, "127.0.0.1"), "listening")
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { settings })
  await once(session, "remoteSettings")
  const received: Array<IncomingHttpHeaders> = []
  for (const headers of requests) received.push(await request(session, headers))
  session.close()
  await once(session, "close")
  server.close()
  return { requests: peer?.requests ?? [], received }
}

/** Every byte that a value may have; enough of it is short in the Huffman code to have all of it in that. */
const everyValue = [9, ...Array.from({ length: 256 - 0x20 }, (_, index) => 0x20 + index)]
  .filter((byte) => byte !== 0x7f)
  .map((byte) => `e${String.fromCharCode(byte).repeat(2)}${"e".repeat(60)}`)

const repeat = <A>(count: number, make: (index: number) => A): ReadonlyArray<A> =>
  Array.from({ length: count }, (_, index) => make(index))

const response = (index: number): Response => [
  [":status", String(200 + (index >> 3))],
  ["content-type", index % 7 === 0 ? "text/html" : "text/plain; charset=utf-8"],
  ["age", String(index)],
  ["x-request", "v".repeat((index >> 1) % 50)],
  ["etag", `"${"0a".repeat(index >> 2)}"`]
]

const withoutSymbols = (headers: IncomingHttpHeaders): Record<string, unknown> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))

const get = { ":path": "/" }

describe("interoperation with nghttp2: it decodes what we encode", () => {
  it("every byte of a value", { timeout: 20_000 }, async () => {
    const responses = everyValue.map((value): Response => [
      [":status", "200"],
      ["x-value", value]
    ])
    const { received } = await exchange(
      repeat(responses.length, () => get),
      responses
    )
    const values = received.map((headers): ByteString => String(headers["x-value"]))
    assert.deepStrictEqual(values, everyValue)
  })

  it.each([
    [undefined, 60],
    [4096, 60],
    [300, 60],
    [0, 20],
    [65_536, 60]
  ])("responses, with a table of %s bytes", { timeout: 20_000 }, async (headerTableSize, count) => {
    const responses = repeat(count, response)
    const settings = headerTableSize === undefined ? {} : { headerTableSize }
    const { received } = await exchange(
      repeat(count, () => get),
      responses,
      { settings }
    )
    assert.deepStrictEqual(
      received.map(withoutSymbols),
      responses.map((fields) => Object.fromEntries(fields))
    )
  })
})

describe("interoperation with nghttp2: we decode what it encodes", () => {
  it.each([4096, 1000, 100, 0])("requests, with a table of %i bytes", { timeout: 20_000 }, async (tableSize) => {
    const sent = repeat(80, (index) => ({
      ":path": `/${"path".repeat(index % 5)}?${index >> 2}`,
      "x-number": String(index),
      "x-letters": "abc".repeat((index >> 1) % 40),
      cookie: `session=${index >> 3}`,
      accept: "*/*"
    }))
    const { requests } = await exchange(
      sent,
      repeat(80, (): Response => [[":status", "204"]]),
      { tableSize }
    )
    assert.lengthOf(requests, 80)
    for (const [index, fields] of requests.entries()) {
      const { ":authority": authority, ...others } = Object.fromEntries(fields ?? [])
      assert.match(authority ?? "", /^127\.0\.0\.1:\d+$/)
      assert.deepStrictEqual(others, { ":method": "GET", ":scheme": "http", ...sent[index] })
    }
  })

  it("every byte of a value", { timeout: 20_000 }, async () => {
    const { requests } = await exchange(
      everyValue.map((value) => ({ ...get, "x-value": value })),
      everyValue.map((): Response => [[":status", "204"]])
    )
    const values = requests.map((fields) => fields?.find(([name]) => name === "x-value")?.[1])
    assert.deepStrictEqual(
      values.map((value) => Array.from(toBytes(value ?? ""))),
      everyValue.map((value) => Array.from(toBytes(value)))
    )
  })
})

import { createServer, type Socket } from "node:net"
import { upgrade } from "../websocket/handshake.ts"
import { listenOptions } from "./support/harness.ts"

const maskBytes = 4
const closeOpcode = 0x8

const unmaskBytes = (bytes: Buffer, from: number, to: number, length: number, key: number): void => {
  for (let index = 0; index < length; index++) bytes[to + index] = (bytes[from + index] ?? 0) ^ (key >>> (8 * index))
}

const unmaskWords = (words: Int32Array, from: number, to: number, count: number, key: number): void => {
  for (let index = 0; index < count; index++) words[to + index] = (words[from + index] ?? 0) ^ key
}

/** The key for what follows so many bytes. */
const advanced = (key: number, length: number): number => {
  const bits = 8 * (length & 3)
  return bits === 0 ? key : (key >>> bits) | (key << (32 - bits))
}

/** Undoes the masking and moves the bytes forward, by a multiple of four. The lowest byte of the key masks the first. */
const unmask = (bytes: Buffer, from: number, to: number, length: number, key: number): void => {
  const base = bytes.byteOffset
  const lead = Math.min(length, -(base + from) & 3)
  const count = (length - lead) >> 2
  const done = lead + 4 * count
  unmaskBytes(bytes, from, to, lead, key)
  const words = new Int32Array(bytes.buffer, 0, bytes.buffer.byteLength >> 2)
  unmaskWords(words, (base + from + lead) >> 2, (base + to + lead) >> 2, count, advanced(key, lead))
  unmaskBytes(bytes, from + done, to + done, length - done, advanced(key, lead))
}

/**
 * The least that a Node server can do: turn the frames of each read into their echoes where they are, since an echo is a
 * frame without its mask, whether or not the frames are complete. Nothing is checked, neither order nor UTF-8.
 */
class FrameEcho {
  /** The beginning of a frame whose header is not complete. */
  #pending: Buffer = Buffer.alloc(0)
  /** Of the payload that is coming. */
  #remaining = 0
  /** Its lowest byte masks the next byte of the payload. */
  #key = 0
  #isClosing = false

  get hasClosed(): boolean {
    return this.#isClosing && this.#remaining === 0
  }

  echo(read: Buffer): Buffer {
    const bytes = this.#pending.length === 0 ? read : Buffer.concat([this.#pending, read])
    this.#pending = bytes.subarray(bytes.length)
    let from = 0
    let to = 0
    while (from < bytes.length) {
      if (this.#remaining === 0) {
        const headerBytes = this.#readHeader(bytes, from)
        if (headerBytes === 0) {
          this.#pending = bytes.subarray(from)
          break
        }
        bytes.copyWithin(to, from, from + headerBytes)
        bytes[to + 1] = bytes.readUInt8(from + 1) & 0x7f
        from += headerBytes + maskBytes
        to += headerBytes
      }
      const length = Math.min(this.#remaining, bytes.length - from)
      unmask(bytes, from, to, length, this.#key)
      this.#key = advanced(this.#key, length)
      this.#remaining -= length
      from += length
      to += length
    }
    return bytes.subarray(0, to)
  }

  /** Returns the length of the header without its mask, 0 when it is not complete. */
  #readHeader(bytes: Buffer, from: number): number {
    const available = bytes.length - from
    if (available < 2) return 0
    const lengthCode = bytes.readUInt8(from + 1) & 0x7f
    const headerBytes = lengthCode < 126 ? 2 : lengthCode === 126 ? 4 : 10
    if (available < headerBytes + maskBytes) return 0
    this.#remaining =
      lengthCode < 126 ? lengthCode : lengthCode === 126 ? bytes.readUInt16BE(from + 2) : bytes.readUInt32BE(from + 6)
    this.#key = bytes.readInt32LE(from + headerBytes)
    if ((bytes.readUInt8(from) & 0x0f) === closeOpcode) this.#isClosing = true
    return headerBytes
  }
}

const echoFrames = (socket: Socket): void => {
  const frames = new FrameEcho()
  socket.on("data", (bytes) => {
    socket.write(frames.echo(bytes))
    if (frames.hasClosed) socket.end()
  })
}

const server = createServer((socket) => {
  socket.setNoDelay(true)
  socket.on("error", () => socket.destroy())
  socket.once("data", (head) => {
    socket.write(upgrade(head.toString("latin1")), "latin1")
    echoFrames(socket)
  })
})

server.listen(listenOptions())

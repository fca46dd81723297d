import type { ByteString } from "@pagi/core/bytes/ByteString"
import type { DeflateParameters } from "../../src/protocol/PerMessageDeflate.ts"
import type { MessageCompression, WebSocketPlatform } from "../../src/WebSocketPlatform.ts"

/** The first byte of everything that was "compressed"; what begins with another one is malformed. */
const marker = 0x7a

/** Stands for compression: each run of equal bytes becomes its length and the byte. */
export const squeeze = (message: Uint8Array): Uint8Array => {
  const payload = [marker]
  for (let index = 0; index < message.length;) {
    const byte = message[index] ?? 0
    let length = 1
    while (length < 255 && message[index + length] === byte) length++
    payload.push(length, byte)
    index += length
  }
  return Uint8Array.from(payload)
}

const expand = (payload: Uint8Array, maxSize: number): Uint8Array | "too-large" | "invalid" => {
  if (payload[0] !== marker) return "invalid"
  const message: Array<number> = []
  for (let index = 1; index < payload.length; index += 2) {
    for (let count = payload[index] ?? 0; count > 0; count--) message.push(payload[index + 1] ?? 0)
    if (maxSize > 0 && message.length > maxSize) return "too-large"
  }
  return Uint8Array.from(message)
}

/** Compression that takes until the test lets it go on, so that everything can happen meanwhile. */
export class FakeCompression implements MessageCompression {
  readonly parameters: DeflateParameters
  isClosed = false
  /** The `maxSize` of every message that was to be decompressed. */
  readonly maximums: Array<number> = []
  readonly #platform: FakePlatform
  readonly #compressing: Array<() => void> = []
  readonly #decompressing: Array<() => void> = []

  constructor(platform: FakePlatform, parameters: DeflateParameters) {
    this.#platform = platform
    this.parameters = parameters
  }

  compress(message: Uint8Array, done: (payload: Uint8Array) => void): void {
    if (this.#compressing.length > 0) throw new Error("two messages are compressed at once")
    this.#begin(this.#compressing, () => done(squeeze(message)))
  }

  decompress(payload: Uint8Array, maxSize: number, done: (result: Uint8Array | "too-large" | "invalid") => void): void {
    if (this.#decompressing.length > 0) throw new Error("two messages are decompressed at once")
    this.maximums.push(maxSize)
    this.#begin(this.#decompressing, () => done(expand(payload, maxSize)))
  }

  #begin(work: Array<() => void>, finish: () => void): void {
    if (this.isClosed) throw new Error("used after it was closed")
    if (this.#platform.isInstant) finish()
    else work.push(finish)
  }

  get isCompressing(): boolean {
    return this.#compressing.length > 0
  }

  get isDecompressing(): boolean {
    return this.#decompressing.length > 0
  }

  /** Finishes the message that is being compressed; answers whether there was one. */
  finishCompressing(): boolean {
    return this.#finish(this.#compressing)
  }

  finishDecompressing(): boolean {
    return this.#finish(this.#decompressing)
  }

  #finish(work: Array<() => void>): boolean {
    const finish = work.shift()
    if (!this.isClosed) finish?.()
    return finish !== undefined
  }

  close(): void {
    this.isClosed = true
  }
}

/** A platform on which nothing is real. */
export class FakePlatform implements WebSocketPlatform {
  /** Whether compression is finished as soon as it has begun. */
  isInstant = false
  readonly compressions: Array<FakeCompression> = []

  readonly digest = (text: ByteString): ByteString => `digest(${text})`

  readonly makeCompression = (parameters: DeflateParameters): FakeCompression => {
    const compression = new FakeCompression(this, parameters)
    this.compressions.push(compression)
    return compression
  }
}

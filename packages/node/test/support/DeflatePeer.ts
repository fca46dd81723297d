import type { DeflateParameters } from "@pagi/websocket/protocol/PerMessageDeflate"
import { constants, createDeflateRaw, createInflateRaw, type DeflateRaw, type InflateRaw } from "node:zlib"
import type { WebSocketCompression } from "../../src/compression/WebSocketCompression.ts"

export const defaults: DeflateParameters = {
  serverNoContextTakeover: false,
  clientNoContextTakeover: false,
  serverMaxWindowBits: 15,
  clientMaxWindowBits: 15
}

const tail = Buffer.from([0x00, 0x00, 0xff, 0xff])

/** Writes, and answers what comes of it. */
const through = (stream: DeflateRaw | InflateRaw, bytes: Uint8Array): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const output: Array<Buffer> = []
    const onData = (chunk: Buffer): void => void output.push(chunk)
    stream.on("data", onData)
    stream.once("error", reject)
    stream.write(bytes)
    stream.flush(constants.Z_SYNC_FLUSH, () => {
      stream.off("data", onData)
      stream.off("error", reject)
      resolve(Buffer.concat(output))
    })
  })

/** The client's end, written as plainly as can be; it keeps to the parameters and to nothing else. */
export class DeflatePeer {
  readonly #parameters: DeflateParameters
  readonly #deflate: DeflateRaw
  readonly #inflate: InflateRaw

  constructor(parameters: DeflateParameters = defaults) {
    this.#parameters = parameters
    this.#deflate = createDeflateRaw({ windowBits: parameters.clientMaxWindowBits })
    this.#inflate = createInflateRaw({ windowBits: parameters.serverMaxWindowBits })
  }

  async compress(message: Uint8Array): Promise<Uint8Array> {
    if (message.length === 0) return Uint8Array.of(0)
    const output = await through(this.#deflate, message)
    if (this.#parameters.clientNoContextTakeover) this.#deflate.reset()
    return output.subarray(0, -tail.length)
  }

  async decompress(payload: Uint8Array): Promise<Buffer> {
    const message = await through(this.#inflate, Buffer.concat([payload, tail]))
    if (this.#parameters.serverNoContextTakeover) this.#inflate.reset()
    return message
  }

  close(): void {
    this.#deflate.close()
    this.#inflate.close()
  }
}

export const compress = (compression: WebSocketCompression, message: Uint8Array): Promise<Uint8Array> =>
  new Promise((resolve) => compression.compress(message, resolve))

export const decompress = (
  compression: WebSocketCompression,
  payload: Uint8Array,
  maxSize = 0
): Promise<Uint8Array | "too-large" | "invalid"> =>
  new Promise((resolve) => compression.decompress(payload, maxSize, resolve))

/** What messages can be like, from what compresses best to what does not at all. */
export const makeMessage = (kind: "zeros" | "text" | "noise", length: number, seed: number): Uint8Array => {
  let state = seed
  const next = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state >>> 16
  }
  if (kind === "zeros") return new Uint8Array(length)
  if (kind === "noise") return Uint8Array.from({ length }, next)
  let text = ""
  while (text.length < length)
    text += `{"id":${next()},"name":"user ${next() % 50}","text":"${"lorem ".repeat(next() % 9)}"},`
  return Buffer.from(text.slice(0, length))
}

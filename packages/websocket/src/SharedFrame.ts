/** The frames of a message that goes to many sessions, each made once. */
import { copyBytes, encodeText, toBytes } from "@pagi/core/bytes/ByteString"
import type { SharedEncoding, SharedMessage } from "@pagi/core/contract/DirectSend"
import type { WebSocketMessage } from "@pagi/core/exchange/WebSocket"
import { encodeFrame, FINAL, FINAL_COMPRESSED } from "./protocol/FrameEncoder.ts"
import { BINARY, TEXT } from "./protocol/Opcode.ts"
import type { WebSocketPlatform } from "./WebSocketPlatform.ts"

/** An exchange gives its session no other event. */
export const contentOf = ({ event }: SharedMessage): WebSocketMessage =>
  event.type === "websocket.send" ? (event.text ?? event.bytes) : ""

const opcodeOf = (content: WebSocketMessage): number => (typeof content === "string" ? TEXT : BINARY)

/** The frame of a message as it is. */
export const frameOf = (message: SharedMessage): SharedEncoding => (message.encoding ??= encode(contentOf(message)))

const encode = (content: WebSocketMessage): SharedEncoding => {
  const payload = typeof content === "string" ? encodeText(content) : content
  return { bytes: encodeFrame(FINAL | opcodeOf(content), payload), length: payload.length }
}

/** While another thread works with it, nobody may change it. */
const ownBytes = (content: WebSocketMessage): Uint8Array => {
  if (typeof content !== "string") return copyBytes(content, 0, content.length)
  const bytes = encodeText(content)
  return typeof bytes === "string" ? toBytes(bytes) : bytes
}

type Waiting = Array<(frame: SharedEncoding) => void>

/**
 * Compresses messages once for all sessions of a server that have agreed on the same window, and that the server forgets
 * after each message what it has compressed: these get the same bytes.
 */
export class SharedCompression {
  readonly #platform: WebSocketPlatform
  /** The frames, or who waits for them, by the bits of the window. */
  readonly #frames = new Map<number, WeakMap<SharedMessage, SharedEncoding | Waiting>>()

  constructor(platform: WebSocketPlatform) {
    this.#platform = platform
  }

  /** Calls `done` with the frame; at once if there is one already. */
  compress(message: SharedMessage, windowBits: number, done: (frame: SharedEncoding) => void): void {
    let frames = this.#frames.get(windowBits)
    if (frames === undefined) this.#frames.set(windowBits, (frames = new WeakMap()))
    const known = frames.get(message)
    if (known === undefined) {
      const waiting = [done]
      frames.set(message, waiting)
      this.#begin(message, windowBits, (frame) => {
        frames.set(message, frame)
        for (const next of waiting) next(frame)
      })
    } else if (Array.isArray(known)) known.push(done)
    else done(known)
  }

  /** With a compressor of its own, so that no session that ends takes it along. */
  #begin(message: SharedMessage, windowBits: number, done: (frame: SharedEncoding) => void): void {
    const content = contentOf(message)
    const compression = this.#platform.makeCompression({
      serverNoContextTakeover: true,
      clientNoContextTakeover: true,
      serverMaxWindowBits: windowBits,
      clientMaxWindowBits: windowBits
    })
    compression.compress(ownBytes(content), (payload) => {
      compression.close()
      done({ bytes: encodeFrame(FINAL_COMPRESSED | opcodeOf(content), payload), length: payload.length })
    })
  }
}

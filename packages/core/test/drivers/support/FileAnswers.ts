/** A file in memory, and applications that answer with it. */
import type * as Effect from "effect/Effect"
import { fromBytes } from "../../../src/bytes/ByteString.ts"
import type { HttpSendEvent } from "../../../src/contract/Event.ts"
import type { HeaderBlock } from "../../../src/http/HeaderBlock.ts"
import { MemoryFiles } from "../../../src/testing/MemoryFiles.ts"
import { recorded, type Send, sendAll, start } from "./Applications.ts"

export const path = "/srv/file"
export const content = Uint8Array.from({ length: 200_000 }, (_, index) => (index * 31) ^ (index >> 8))
export const text = fromBytes(content, 0, content.length)

/** A part of the file; all of it by default. */
export interface Part {
  readonly offset?: number
  readonly length?: number
}

export const file = (part: Part = {}): HttpSendEvent => ({ type: "http.response.body", file: path, ...part })

/** The file as an answer, with a head of these fields. */
export const withHead =
  (status = 200, headers: HeaderBlock = [], part: Part = {}) =>
  (send: Send): Effect.Effect<void, unknown> =>
    sendAll(send, [start(status, headers), file(part)])

/** An application that answers so, and its files: pieces are of 16 KiB, and what is of 1000 bytes at most comes whole. */
export const answering = (answer: (send: Send) => Effect.Effect<unknown, unknown>) => {
  const files = new MemoryFiles({ [path]: content }, { wholeSize: 1000, pieceSize: 16_384 })
  return { ...recorded<unknown>((_, __, send) => answer(send)), files }
}

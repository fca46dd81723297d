import type { HttpSendEvent } from "@pagi/core/Event"
import type { Send } from "@pagi/core/PagiApp"
import * as Effect from "effect/Effect"
import type { ByteRange } from "./ByteRange.ts"
import { FileFailure, FileShrank } from "./FileError.ts"
import type { OpenedFile } from "./OpenedFile.ts"

/** Bytes that are read at a time. */
const PIECE = 65_536

/**
 * Sends a part of a file as the whole body of a response. A piece is read only when the one before has been taken, so a
 * slow client costs one piece of memory. Fails when the file turns out to be shorter than it was.
 */
export const send = Effect.fnUntraced(function* (
  { handle, realPath }: OpenedFile,
  { start, end }: ByteRange,
  send: Send<HttpSendEvent>
) {
  let position = start
  do {
    const piece = yield* read(handle, realPath, position, Math.min(PIECE, end - position))
    if (piece.length === 0 && position < end) {
      return yield* new FileShrank({ path: realPath, missing: end - position })
    }
    position += piece.length
    yield* send({ type: "http.response.body", body: piece, more: position < end })
  } while (position < end)
})

/** Reads up to `length` bytes into memory of their own: `send` may keep them until the client has taken them. */
const read = (
  handle: OpenedFile["handle"],
  path: string,
  position: number,
  length: number
): Effect.Effect<Uint8Array, FileFailure> =>
  Effect.tryPromise({
    try: async () => {
      const buffer = Buffer.allocUnsafeSlow(length)
      const { bytesRead } = await handle.read(buffer, 0, length, position)
      return bytesRead === length ? buffer : buffer.subarray(0, bytesRead)
    },
    catch: (error) => new FileFailure({ path, detail: error instanceof Error ? error.message : String(error) })
  })

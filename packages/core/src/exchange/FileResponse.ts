/** Sends a file as the rest of a response's body. */
import * as Effect from "effect/Effect"
import type { FileBody, FilePart, FileSource } from "../contract/FileSource.ts"
import { refused, type SendError } from "../contract/SendError.ts"
import type { ExchangeHost } from "./RequestExchange.ts"
import { brokenOff } from "./ResponseSink.ts"

/** The exchange that a file is sent for. */
export interface FileExchange {
  /** Whether the response ends with the file, and not with trailers behind it. */
  readonly endsWithFile: boolean
  /** Suspends while the peer is behind. */
  readonly awaitDrain: () => Effect.Effect<void>
  /** Whether the peer is gone. */
  readonly isOver: () => boolean
  /** Nothing was written. */
  readonly onRefused: () => void
  /** The last byte has been written. */
  readonly onSent: () => Effect.Effect<void>
}

const event = "http.response.body"

/**
 * Sends a file as the rest of a body. Fails before anything is written when the file cannot be opened or read, or the
 * response has no room for it. One that cannot be read to its end afterwards breaks the response off, since its length
 * was announced.
 */
export const sendFile = (
  host: ExchangeHost,
  files: FileSource,
  part: FilePart,
  exchange: FileExchange
): Effect.Effect<void, SendError> => {
  const open = Effect.catch(files.open(part), ({ message }) => {
    exchange.onRefused()
    return Effect.fail(refused(event, message))
  })
  let hasBegun = false
  return Effect.acquireUseRelease(
    open,
    (body) =>
      Effect.suspend(() => {
        hasBegun = true
        return body.whole === undefined ? stream(host, body, exchange) : sendWhole(host, body.whole, exchange)
      }),
    (body) => {
      // Interrupted while the file was opened, as by a time limit of the application's.
      if (!hasBegun) exchange.onRefused()
      return body.close
    }
  )
}

const sendWhole = (host: ExchangeHost, bytes: Uint8Array, exchange: FileExchange): Effect.Effect<void, SendError> => {
  if (exchange.isOver()) return Effect.void
  const problem = host.response.body(bytes, exchange.endsWithFile)
  return problem === undefined ? exchange.onSent() : Effect.fail(refused(event, problem))
}

const stream = Effect.fnUntraced(function* (host: ExchangeHost, body: FileBody, exchange: FileExchange) {
  if (exchange.isOver()) return
  const { endsWithFile } = exchange
  const problem = host.response.announceBody(body.length, endsWithFile)
  if (problem !== undefined) return yield* Effect.fail(refused(event, problem))
  const readPiece = Effect.catch(body.read, ({ message }) => Effect.succeed(message))
  let remaining = host.response.carriesBody ? body.length : 0
  if (remaining === 0) host.response.body("", endsWithFile)
  while (remaining > 0) {
    const piece = yield* readPiece
    // A peer that has left is nobody's failure, and an application may close its file then.
    if (exchange.isOver()) return
    if (typeof piece === "string") return yield* breakOff(host, piece)
    if (piece.length === 0) return yield* breakOff(host, "the file became shorter while it was sent")
    remaining -= piece.length
    host.response.body(piece, endsWithFile && remaining === 0)
    if (remaining > 0) yield* exchange.awaitDrain()
    if (exchange.isOver()) return
    body.reclaim(host.bufferedAmount)
  }
  yield* exchange.onSent()
})

const breakOff = (host: ExchangeHost, problem: string): Effect.Effect<never, SendError> => {
  host.breakOff(problem)
  return Effect.fail(refused(event, brokenOff(problem)))
}

import type { HttpHandler } from "@pagi/core/PagiApp"
import type { HttpScope } from "@pagi/core/Scope"
import * as Effect from "effect/Effect"
import { until } from "./Until.ts"

export const mebibyte = 1_048_576

/** Bytes in which a piece that is lost, doubled or moved shows. */
export const pattern = (length: number, seed = 0): Uint8Array => {
  const bytes = new Uint8Array(length)
  let state = seed + 1
  for (let index = 0; index < length; index++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    bytes[index] = state >>> 16
  }
  return bytes
}

/** Answers for ever with pieces of one size; the scope and the number of sent pieces can be looked at. */
export const endless = (piece: Uint8Array) => {
  const sent = { scope: undefined as HttpScope | undefined, pieces: 0, highest: 0 }
  const handler: HttpHandler<unknown> = Effect.fnUntraced(function* (scope, _receive, send) {
    sent.scope = scope
    yield* send({ type: "http.response.start", status: 200 })
    while (scope.connection.isConnected) {
      yield* send({ type: "http.response.body", body: piece, more: true })
      sent.pieces++
      sent.highest = Math.max(sent.highest, scope.transport.bufferedAmount)
    }
  })
  return { handler, sent }
}

/** Looks without a change after which there will be none: most of them are a millisecond apart. */
const unchangedLooks = 150

/** Waits until the number has not changed for a tenth of a second, in which the event loop turns many times. */
export const settled = (what: string, read: () => number): Effect.Effect<void> => {
  let last = -1
  let unchanged = 0
  return until(`${what} settles`, () => {
    const current = read()
    unchanged = current === last ? unchanged + 1 : 0
    last = current
    return unchanged > unchangedLooks
  })
}

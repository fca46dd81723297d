import * as Effect from "effect/Effect"
import type * as Headers from "effect/http/Headers"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import type { SendError } from "../contract/SendError.ts"
import type { HeaderBlock } from "../http/HeaderBlock.ts"
import { isOwn } from "./OwnRequest.ts"

const blockOf = (input: Headers.Input): HeaderBlock => {
  const fields: Iterable<readonly [string, string | ReadonlyArray<string> | undefined]> =
    Symbol.iterator in input ? input : Object.entries(input)
  const block: Array<readonly [string, string]> = []
  for (const [name, value] of fields) {
    if (value === undefined) continue
    for (const line of typeof value === "string" ? [value] : value) block.push([name, line])
  }
  return block
}

/**
 * Sends 103 (Early Hints) or 102 before the response, in a program for Effect's HTTP server. It may be sent any
 * number of times, before the program has answered:
 *
 *     const page = Effect.gen(function* () {
 *       const request = yield* HttpServerRequest.HttpServerRequest
 *       yield* PagiApp.informational(request, 103, { link: "</style.css>; rel=preload; as=style" })
 *       return HttpServerResponse.html(yield* render)
 *     })
 *
 * Several lines of a name are pairs in a list, or a list of values. On every other server of Effect's, and in `toFetch`, it
 * does nothing, and an HTTP/1.0 client is spared it. Fails when a field cannot be sent, when the response has begun, and for
 * a WebSocket handshake.
 */
export const informational = (
  request: HttpServerRequest,
  status: 102 | 103,
  headers: Headers.Input = {}
): Effect.Effect<void, SendError> =>
  Effect.suspend(() => {
    const { source } = request
    return isOwn(source) ? source.informational(status, blockOf(headers)) : Effect.void
  })

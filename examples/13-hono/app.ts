/**
 * A guest book by Hono, a framework for handlers of the Fetch standard. Its WebSocket, which no such handler can open,
 * is one of the contract's beside it, and tells everyone of new entries.
 *
 *     npx pagi-server examples/13-hono/app.ts
 *     curl -d 'text=Good day' http://127.0.0.1:5000/entries
 *     curl http://127.0.0.1:5000/entries
 *     curl -N http://127.0.0.1:5000/export
 *     curl -T README.md http://127.0.0.1:5000/digest
 *     npx wscat -c ws://127.0.0.1:5000/entries
 *
 * - `Book.ts`: the routes
 * - `Watch.ts`: the WebSocket
 */
import * as PagiApp from "@pagi/core/PagiApp"
import * as Effect from "effect/Effect"
import * as PubSub from "effect/PubSub"
import { type Entry, makeBook } from "./Book.ts"
import { watch } from "./Watch.ts"

export default Effect.gen(function* () {
  const news = yield* PubSub.sliding<Entry>(100)
  return PagiApp.make({
    http: PagiApp.fromFetch(makeBook(news)),
    websocket: watch(news)
  })
})

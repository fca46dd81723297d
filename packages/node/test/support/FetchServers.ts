/** Servers of fetch handlers, and what tests of them have in common. */
import { assert } from "@effect/vitest"
import * as PagiApp from "@pagi/core/PagiApp"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import { fetch as request, type HttpClient } from "./HttpSuiteClient.ts"
import { serveWay, type Way } from "./HttpSuiteWay.ts"

/** Starts a server of a fetch handler, with a client of it. */
export const serveFetch = (way: Way, handler: PagiApp.FetchFunction, options?: Parameters<typeof serveWay>[2]) =>
  serveWay(way, PagiApp.fromFetch(handler), options)

/** Gives what is logged as an error instead of writing it. */
export const withErrors = <A, E, R>(run: (messages: ReadonlyArray<string>) => Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const messages: Array<string> = []
    const logger = Logger.make(({ logLevel, message, cause }) => {
      messages.push([logLevel, ...[message].flat(), ...cause.reasons].map(String).join(" "))
    })
    return Effect.provide(run(messages), Logger.layer([logger]))
  })

/** One handler for a path, another for the rest. */
export const at =
  (path: string, handler: PagiApp.FetchFunction): PagiApp.FetchFunction =>
  (given, info) =>
    new URL(given.url).pathname === path ? handler(given, info) : new Response("good")

/** The server still serves. */
export const isServed = (client: HttpClient) =>
  Effect.map(request(client, { path: "/good" }), ({ text }) => assert.strictEqual(text, "good"))

/** A stream that never ends, of which can be seen how much was asked for and how it ended. */
export const endless = (piece: Uint8Array) => {
  const seen = { pieces: 0, cancelled: undefined as unknown }
  const response = () =>
    new Response(
      new ReadableStream<Uint8Array>({
        pull: (controller) => {
          seen.pieces++
          controller.enqueue(piece)
        },
        cancel: (reason) => {
          seen.cancelled = reason
        }
      })
    )
  return { seen, response }
}

/** Both versions of HTTP. */
export const plain: ReadonlyArray<Way> = [
  { version: "1.1", over: "TCP" },
  { version: "2", over: "TCP" }
]

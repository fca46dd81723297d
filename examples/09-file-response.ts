/**
 * A response that is a file. The server opens, reads and sends it, as fast as the client takes it, and says how long it
 * is; no more than a few pieces of it are in memory.
 *
 *     npx pagi-server examples/09-file-response.ts
 *     curl -i http://127.0.0.1:5000/                   this file
 *     curl -i 'http://127.0.0.1:5000/?from=3&to=42'    a part of it
 *     curl -i http://127.0.0.1:5000/absent             a file that cannot be opened: a 404
 *
 * The path is the application's own. One that is made of what a client sends must be checked first: not only for `..`,
 * also for links and hidden files. The files that `pagi-server` serves without an application are.
 */
import type { HttpSendEvent } from "@pagi/core/Event"
import * as PagiApp from "@pagi/core/PagiApp"
import * as Effect from "effect/Effect"

const here = import.meta.filename

/** A whole number of the query, if it is one. */
const count = (query: URLSearchParams, name: string): number | undefined => {
  const text = query.get(name) ?? ""
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

/**
 * Takes the place of the response whose file cannot be opened: that has not begun then. Why it cannot be is nothing for
 * clients; the error's message says it, with the path.
 */
const notFound = (send: PagiApp.Send<HttpSendEvent>) =>
  Effect.andThen(
    send({ type: "http.response.start", status: 404, headers: [["content-type", "text/plain; charset=utf-8"]] }),
    send({ type: "http.response.body", body: "There is no such file.\n" })
  )

export default PagiApp.make({
  http: Effect.fnUntraced(function* (scope, _receive, send) {
    const query = new URLSearchParams(scope.queryString)
    const offset = count(query, "from") ?? 0
    const end = count(query, "to")
    yield* send({
      type: "http.response.start",
      status: 200,
      headers: [["content-type", "text/plain; charset=utf-8"]]
    })
    yield* send({
      type: "http.response.body",
      file: scope.path === "/" ? here : `${here}.absent`,
      offset,
      ...(end === undefined ? {} : { length: Math.max(0, end - offset) })
    }).pipe(Effect.catchTag("SendError", () => notFound(send)))
  })
})

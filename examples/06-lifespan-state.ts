/**
 * What an application opens when the server starts, it shares with every request through `scope.state`, and closes when
 * the server stops. Here that is a make-believe database of visits.
 *
 *     npx pagi-server examples/06-lifespan-state.ts
 *     curl http://127.0.0.1:5000/        a few times: the count goes up
 *
 * Press Ctrl-C: the database is closed after the last request, and before the server ends.
 */
import * as PagiApp from "@pagi/core/PagiApp"
import * as Effect from "effect/Effect"

class Database {
  #visits = new Map<string, number>()

  static readonly open = Effect.as(Effect.logInfo("the database is open"), new Database())

  readonly close = Effect.suspend(() =>
    Effect.logInfo(`the database is closed after visits to ${this.#visits.size} pages`)
  )

  /** Counts a visit and answers how many there have been. */
  visit(path: string): number {
    const visits = (this.#visits.get(path) ?? 0) + 1
    this.#visits.set(path, visits)
    return visits
  }
}

export default PagiApp.make({
  lifespan: Effect.fnUntraced(function* (scope, receive, send) {
    yield* receive // lifespan.startup
    const database = yield* Database.open
    scope.state["database"] = database
    yield* send({ type: "lifespan.startup.complete" })
    yield* receive // lifespan.shutdown
    yield* database.close
    yield* send({ type: "lifespan.shutdown.complete" })
  }),

  http: Effect.fnUntraced(function* (scope, _receive, send) {
    const database = scope.state["database"]
    if (!(database instanceof Database)) return yield* Effect.die("run me with --lifespan on")
    const visits = database.visit(scope.path)
    yield* send({ type: "http.response.start", status: 200, headers: [["content-type", "text/plain; charset=utf-8"]] })
    yield* send({ type: "http.response.body", body: `Visit number ${visits} to ${scope.path}\n` })
  })
})

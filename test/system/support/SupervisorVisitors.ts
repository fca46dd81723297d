/** Clients that make one request after the other, each over a connection of its own, and keep account of every failure. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { keepAsking } from "./KeepAsking.ts"
import { bodyOf, open, requestText } from "./Peer.ts"
import { stopwatch } from "../../support/Stopwatch.ts"
import { until } from "./Until.ts"

/** What the application of `fixtures/supervised.ts` says about the process that it is in. */
export const Who = Schema.fromJsonString(
  Schema.Struct({
    pid: Schema.Int,
    parent: Schema.Int,
    worker: Schema.Int,
    isWorker: Schema.Boolean,
    version: Schema.String
  })
)
export type Who = typeof Who.Type

/** A request that was not answered as it should be. */
export interface Failure {
  /** Milliseconds, as `performance.now` counts them. */
  readonly begun: number
  readonly reason: string
}

const patience = "20 seconds"

/** Asks for a path over a new connection, which either end closes. */
export const ask = (port: number, path: string, closer: "server" | "client" = "server") =>
  Effect.scoped(
    Effect.gen(function* () {
      const peer = (yield* open(port)).read()
      let problem = "the connection was closed"
      peer.socket.once("error", ({ message }) => {
        problem = message
      })
      peer.send(requestText(path, closer === "server" ? "Connection: close\r\n" : ""))
      const response = yield* peer.response
      if (response === undefined) return yield* Effect.fail(new Error(`${problem} after ${peer.received} bytes`))
      if (!response.startsWith("HTTP/1.1 200 ")) return yield* Effect.fail(new Error(response))
      return bodyOf(response)
    })
  ).pipe(Effect.timeoutOrElse({ duration: patience, orElse: () => Effect.fail(new Error(`no answer in ${patience}`)) }))

/** Asks which process answers. */
export const whoAnswers = (port: number, closer: "server" | "client" = "server") =>
  Effect.flatMap(ask(port, "/who", closer), Schema.decodeEffect(Who))

/** What became of the requests so far. */
export class Visits {
  readonly failures: Array<Failure> = []
  /** When each process has answered for the first and for the last time, by its number. */
  readonly answers = new Map<number, { readonly first: number; last: number; readonly version: string }>()
  count = 0
  /** Milliseconds that the slowest answer took. */
  slowest = 0

  answered({ pid, version }: Who, took: number): void {
    const now = performance.now()
    this.count++
    this.slowest = Math.max(this.slowest, took)
    const known = this.answers.get(pid)
    if (known === undefined) this.answers.set(pid, { first: now, last: now, version })
    else known.last = now
  }

  /** Waits until a process has answered. */
  answerOf(pid: number): Effect.Effect<number> {
    return Effect.map(
      until(
        `process ${pid} answers`,
        Effect.sync(() => this.answers.has(pid))
      ),
      () => this.answers.get(pid)?.first ?? Number.NaN
    )
  }
}

const once = (port: number, visits: Visits, closer: "server" | "client") =>
  Effect.suspend(() => {
    const begun = performance.now()
    const watch = stopwatch()
    return Effect.match(whoAnswers(port, closer), {
      onSuccess: (who) => visits.answered(who, watch()),
      onFailure: ({ message }) => void visits.failures.push({ begun, reason: message })
    })
  })

export interface Visitors extends Pick<Visits, "answers" | "failures"> {
  readonly visits: Visits
  /** Lets the requests under way finish, and yields what became of all. */
  readonly end: Effect.Effect<Visits>
}

/** Has so many clients visit a server from now on, each with a short pause after every request. */
export const visit = (port: number, clients = 8): Effect.Effect<Visitors, never, Scope.Scope> =>
  Effect.gen(function* () {
    const visits = new Visits()
    const end = yield* keepAsking(
      Array.from({ length: clients }, (_, index) => once(port, visits, index % 2 === 0 ? "server" : "client"))
    )
    return { visits, answers: visits.answers, failures: visits.failures, end: Effect.as(end, visits) }
  })

/** Clients that make one request after the other through a proxy, and keep account of every failure. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import { Agent } from "node:https"
import { keepAsking } from "./KeepAsking.ts"
import { type Answer, askHttp1, askHttp2, askOn, openHttp2, Seen } from "./ProxyClients.ts"

/** What became of the requests. */
export interface Visits {
  readonly count: number
  readonly failures: ReadonlyArray<string>
  /** The processes that have answered. */
  readonly pids: ReadonlySet<number>
}

export interface Visitors {
  readonly count: () => number
  /** Lets the requests under way finish, and yields what became of all. */
  readonly end: Effect.Effect<Visits>
}

/** Clients of each version of HTTP. */
const clientsOfEach = 4

/** Requests of a connection in HTTP/2 before its client opens another one: nginx ends them after a thousand. */
const perSession = 500

/** A connection in HTTP/2 for each request: mostly the one of the request before. */
const sessions = (port: number) =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    let [session, left] = [yield* openHttp2(port), perSession]
    return Effect.gen(function* () {
      if (left === 0) {
        session.close()
        session = yield* Scope.provide(openHttp2(port), scope)
        left = perSession
      }
      left--
      return session
    })
  })

/**
 * Has clients visit a server from now on, each with a short pause after every request; every other one of those of
 * HTTP/1.1 sends POST, which no proxy repeats. `keepsConnections` says whether they use their connections again.
 */
export const visit = (port: number, keepsConnections: boolean): Effect.Effect<Visitors, Error, Scope.Scope> =>
  Effect.gen(function* () {
    const failures: Array<string> = []
    const pids = new Set<number>()
    let count = 0
    const client = (name: string, ask: Effect.Effect<Answer, Error>) =>
      ask.pipe(
        Effect.flatMap(({ body, status }) =>
          status === 200 ? Schema.decodeEffect(Seen)(body) : Effect.fail(new Error(`${status} ${body}`))
        ),
        Effect.match({
          onSuccess: ({ pid }) => void pids.add(pid),
          onFailure: (error) => void failures.push(`${name}: ${error.message}`)
        }),
        Effect.map(() => void count++)
      )
    const clients: Array<Effect.Effect<void>> = []
    for (let index = 0; index < clientsOfEach; index++) {
      const method = index % 2 === 0 ? "GET" : "POST"
      const agent = new Agent({ keepAlive: keepsConnections, maxSockets: 1 })
      yield* Effect.addFinalizer(() => Effect.sync(() => agent.destroy()))
      clients.push(client(`HTTP/1.1 ${method}`, askHttp1(port, "/", { agent, method })))
      const http2 = keepsConnections
        ? Effect.flatMap(yield* sessions(port), (session) => askOn(session, "/", { method: "GET" }))
        : askHttp2(port, "/", { method: "GET" })
      clients.push(client("HTTP/2 GET", http2))
    }
    const end = Effect.map(yield* keepAsking(clients), () => ({ count, failures, pids }))
    return { count: () => count, end }
  })

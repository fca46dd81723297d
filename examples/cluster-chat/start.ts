/**
 * Starts the whole chat on this machine: Redis, three servers, and HAProxy in front of them.
 *
 *     npm run example:cluster-chat
 *
 * Ctrl-C, SIGTERM and a part that fails stop everything.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Cause from "effect/Cause"
import { randomBytes } from "node:crypto"
import { findPrograms, freePorts, privateFolder } from "./launcher/Machine.ts"
import { launch, type PartFailed, tell } from "./launcher/Part.ts"
import { haproxy, redis, server, type ServerPlace } from "./launcher/Parts.ts"

/** What is served, by how many servers with how many workers each. */
const variant = { application: "app.ts", workers: 2 }
const count = 3

/** What there is to try, with another server each time where there are several. */
const advice = (servers: ReadonlyArray<number>, redis: number): ReadonlyArray<string> => {
  const number = (index: number) => index % servers.length
  const rows = [
    [`kill -9 -- -${servers[0]}`, "server 1 is gone at once, with all of its processes"],
    [`kill ${servers[number(1)]}`, `server ${number(1) + 1} gets no new clients, sends the others away, and ends`],
    [`kill -HUP ${servers[number(2)]}`, `server ${number(2) + 1} replaces its workers, one after the other`],
    [`kill -9 ${redis}`, "Redis is gone for a moment: what is said waits for it"]
  ] as const
  return rows.map(([command, effect]) => `  ${command.padEnd(20)} ${effect}`)
}

/** Runs until something fails. */
const run = Effect.gen(function* () {
  const programs = yield* findPrograms("redis-server", "haproxy")
  const files = yield* privateFolder
  const [port = 0, redisPort = 0, ...others] = yield* freePorts(2 + 2 * count)
  const places = Array.from({ length: count }, (_, index): ServerPlace => ({
    port: others[2 * index] ?? 0,
    admin: others[2 * index + 1] ?? 0
  }))
  const redisPlace = { port: redisPort, password: randomBytes(16).toString("hex") }
  const failure = yield* Deferred.make<never, PartFailed>()

  yield* tell("The chat starts: Redis, the servers, and HAProxy in front of them …")
  const [redisPid = 0] = yield* launch([redis(programs["redis-server"], redisPlace, files)], failure)
  const servers = places.map((place, index) => server(index + 1, place, redisPlace, files, variant))
  const pids = yield* launch(servers, failure)
  yield* launch([haproxy(programs.haproxy, port, places)], failure)
  yield* tell(
    "",
    `Open http://127.0.0.1:${port}/ in two browsers, and talk. Then try in another terminal:`,
    "",
    ...advice(pids, redisPid),
    "",
    `Processes: ${pids.map((pid, index) => `server ${index + 1} is ${pid}`).join(", ")}, Redis is ${redisPid}.`,
    "What ends starts again after a moment. Ctrl-C stops everything."
  )
  return yield* Deferred.await(failure)
}).pipe(Effect.scoped)

/** Completes with the first signal to stop; the next ones change nothing, since everything is stopping by then. */
const stopped = Deferred.makeUnsafe<void>()
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => Deferred.doneUnsafe(stopped, Effect.void))
}

const exit = await Effect.runPromiseExit(Effect.raceFirst(run, Deferred.await(stopped)))
if (Exit.isFailure(exit)) {
  const error = Cause.squash(exit.cause)
  console.error(error instanceof Error && "_tag" in error ? error.message : error)
  process.exitCode = 1
}

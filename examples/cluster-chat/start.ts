/**
 * Starts the whole chat on this machine: Redis, servers, and HAProxy in front of them.
 *
 *     npm run example:cluster-chat
 *     npm run example:cluster-chat -- --entities     rooms are entities of a cluster, see README.md
 *
 * Ctrl-C, SIGTERM and a part that fails stop everything; when this is killed, `launcher/guard.ts` does.
 */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { randomBytes } from "node:crypto"
import { parseArgs } from "node:util"
import { findPrograms, freePorts, privateFolder, startGuard } from "./launcher/Machine.ts"
import { launch, type PartFailed, tell } from "./launcher/Part.ts"
import { haproxy, redis, server, type ServerPlace } from "./launcher/Parts.ts"

type Rows = ReadonlyArray<readonly [command: string, effect: string]>

/** How rooms are kept: by all servers together with Redis, or as entities by the workers of one server. */
interface Variant {
  readonly application: string
  readonly servers: number
  /** Of each server. */
  readonly workers: number
  /** What there is to try with them. */
  readonly advice: (servers: ReadonlyArray<number>) => Rows
}

const topics: Variant = {
  application: "app.ts",
  servers: 3,
  workers: 2,
  advice: ([first, second, third]) => [
    [`kill -9 -${first}`, "server 1 is gone at once, with all of its processes"],
    [`kill ${second}`, "server 2 gets no new clients, sends the others away, and ends"],
    [`kill -HUP ${third}`, "server 3 replaces its workers, one after the other"]
  ]
}

const entities: Variant = {
  application: "entities.ts",
  servers: 1,
  workers: 3,
  advice: ([only]) => [
    ["kill -9 PROCESS", "the worker is gone at once that a page says it is connected to; others take its rooms"],
    [`kill -HUP ${only}`, "the server replaces its workers, one after the other"]
  ]
}

/** Runs until something fails. */
const run = Effect.fnUntraced(function* (variant: Variant) {
  const count = variant.servers
  const programs = yield* findPrograms("redis-server", "haproxy")
  const files = yield* privateFolder
  const guard = yield* startGuard(files)
  const [port = 0, redisPort = 0, ...others] = yield* freePorts(2 + 2 * count)
  const places = Array.from({ length: count }, (_, index): ServerPlace => ({
    port: others[2 * index] ?? 0,
    admin: others[2 * index + 1] ?? 0
  }))
  const redisPlace = { port: redisPort, password: randomBytes(16).toString("hex") }
  const failure = yield* Deferred.make<never, PartFailed>()

  yield* tell("The chat starts: Redis, the servers, and HAProxy in front of them …")
  const [redisPid = 0] = yield* launch([redis(programs["redis-server"], redisPlace, files)], guard, failure)
  const servers = places.map((place, index) => server(index + 1, place, redisPlace, files, variant))
  const pids = yield* launch(servers, guard, failure)
  const redisRow = [`kill -9 ${redisPid}`, "Redis is gone for a moment: what is said waits for it"] as const
  const rows: Rows = [...variant.advice(pids), redisRow]
  yield* launch([haproxy(programs.haproxy, port, places)], guard, failure)
  yield* tell(
    "",
    `Open http://127.0.0.1:${port}/ in two browsers, and talk. Then try in another terminal:`,
    "",
    ...rows.map(([command, effect]) => `  ${command.padEnd(20)} ${effect}`),
    "",
    `Processes: ${pids.map((pid, index) => `server ${index + 1} is ${pid}`).join(", ")}, Redis is ${redisPid}.`,
    "What ends starts again after a moment. Ctrl-C stops everything."
  )
  return yield* Deferred.await(failure)
}, Effect.scoped)

/** Completes with the first signal to stop; the next ones change nothing, since everything is stopping by then. */
const stopped = Deferred.makeUnsafe<void>()
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => Deferred.doneUnsafe(stopped, Effect.void))
}

const readVariant = (): Variant => {
  try {
    return parseArgs({ options: { entities: { type: "boolean" } } }).values.entities === true ? entities : topics
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    return process.exit(2)
  }
}

const exit = await Effect.runPromiseExit(Effect.raceFirst(run(readVariant()), Deferred.await(stopped)))
if (Exit.isFailure(exit)) {
  const error = Cause.squash(exit.cause)
  console.error(error instanceof Error && "_tag" in error ? error.message : error)
  process.exitCode = 1
}

/** The server with workers whose counters are entities of a cluster (`fixtures/counters.ts`), and who asks for them. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { appendFileSync, existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { temporaryFolder } from "../../support/TemporaryFolder.ts"
import { keepAsking } from "./KeepAsking.ts"
import { fixture, pagiServer } from "./Programs.ts"
import { type Pool, running, start } from "./SupervisorPool.ts"
import { stopwatch } from "../../support/Stopwatch.ts"
import { kill } from "./SupervisorProcesses.ts"
import { ask } from "./SupervisorVisitors.ts"

const application = fixture("cluster")

const Count = Schema.fromJsonString(Schema.Struct({ count: Schema.Int, pid: Schema.Int }))

/** What was asked for, from when until when. */
export interface Asked {
  readonly begun: number
  /** Milliseconds, without those in which the machine stood still. */
  readonly lasted: number
  /** Why there was no answer, if there was none. */
  readonly failure?: string
  /** Which process had the counter. */
  readonly pid?: number
}

export const quickCounters = Array.from({ length: 24 }, (_, index) => `c${index}`)

/** One for each client: they wait for nobody else. */
const slowCounters = Array.from({ length: 8 }, (_, index) => `s${index}`)

export const counters = [...quickCounters, ...slowCounters]

/** Who had which counter when; as processes have written it down, and the test, which says whom it has killed. */
export class Lives {
  readonly path: string
  /** Processes that have begun to handle what waits in a database. */
  readonly handling = new Set<string>()

  constructor(path: string) {
    this.path = path
  }

  /**
   * Has a process end at once. That is written down before: others may have its counters before this process comes to
   * write anything more.
   */
  kill(pid: number): void {
    appendFileSync(this.path, `killed - ${pid}\n`)
    kill(pid, "SIGKILL")
  }

  /** Which process has each counter now. None may ever have had one that another had. */
  now(): ReadonlyMap<string, string> {
    const lives = new Map<string, string>()
    const killed = new Set<string>()
    if (!existsSync(this.path)) return lives
    for (const line of readFileSync(this.path, "utf8").split("\n").slice(0, -1)) {
      const [what, id = "", pid = ""] = line.split(" ")
      // Its last words, in the moment in which it was killed.
      if (killed.has(pid)) continue
      if (what === "begins") {
        assert.isUndefined(lives.get(id), `${line}, while it lives: ${lives.get(id)}`)
        lives.set(id, pid)
      } else if (what === "handles") {
        this.handling.add(pid)
      } else if (what === "ends") {
        assert.strictEqual(lives.get(id), pid, line)
        lives.delete(id)
      } else {
        killed.add(pid)
        for (const [counter, owner] of lives) if (owner === pid) lives.delete(counter)
      }
    }
    return lives
  }

  /** In how many processes counters live now. */
  get owners(): number {
    return new Set(this.now().values()).size
  }
}

export interface CounterPool {
  readonly pool: Pool
  readonly lives: Lives
  /** Where the folder is by which workers reach each other. */
  readonly folder: string
}

export const serve = (
  workers = 2,
  environment: Readonly<Record<string, string>> = {},
  file = application
): Effect.Effect<CounterPool, never, Scope.Scope> =>
  Effect.gen(function* () {
    const lives = new Lives(environment["CLUSTER_LOG"] ?? join(yield* temporaryFolder, "lives"))
    const args = workers === 0 ? [] : [`--workers=${workers}`]
    const folder = yield* temporaryFolder
    const tree = yield* start(pagiServer, [...args, "--port=0", "--access-log=off", file], {
      ...environment,
      CLUSTER_LOG: lives.path,
      XDG_RUNTIME_DIR: folder
    })
    return { pool: yield* running(tree, Math.max(workers, 1)), lives, folder }
  })

/** Asks once. */
export const askFor = (port: number, path: string): Effect.Effect<Asked> =>
  Effect.suspend(() => {
    const begun = performance.now()
    const lasted = stopwatch()
    return Effect.match(Effect.flatMap(ask(port, path), Schema.decodeEffect(Count)), {
      onSuccess: ({ pid }): Asked => ({ begun, lasted: lasted(), pid }),
      onFailure: ({ message }): Asked => ({ begun, lasted: lasted(), failure: message })
    })
  })

/** Asks for every counter again and again, and for some of them slowly; yields the end of it, which yields all answers. */
export const keepCounting = (port: number): Effect.Effect<Effect.Effect<ReadonlyArray<Asked>>, never, Scope.Scope> =>
  Effect.gen(function* () {
    const asked: Array<Asked> = []
    const askOnce = (path: string) => Effect.map(askFor(port, path), (one) => void asked.push(one))
    const slowly = slowCounters.map((id) => askOnce(`/slowly/${id}`))
    const quickly = slowCounters.map((_, index) => {
      let turn = index * 3
      return Effect.suspend(() => askOnce(`/add/${quickCounters[++turn % quickCounters.length]}`))
    })
    return Effect.as(yield* keepAsking([...slowly, ...quickly]), asked)
  })

export const failuresOf = (asked: ReadonlyArray<Asked>): ReadonlyArray<Asked> =>
  asked.filter(({ failure }) => failure !== undefined)

/** Milliseconds that the slowest took which were answered. */
export const slowestOf = (asked: ReadonlyArray<Asked>): number =>
  Math.max(...asked.filter(({ failure }) => failure === undefined).map(({ lasted }) => lasted))

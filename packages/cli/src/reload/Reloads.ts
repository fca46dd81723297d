/** All that a supervisor needs for a reload while somebody types; loaded with that option alone. */
import { ChildProcesses } from "@pagi/node/supervisor/ChildProcesses"
import type { PoolReloads } from "@pagi/node/supervisor/PoolReloads"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"
import module from "node:module"
import { relative, resolve } from "node:path"
import * as Reloader from "./Reloader.ts"
import { ReloadNews } from "./ReloadNews.ts"
import { SpareWorkers } from "./SpareWorkers.ts"

/** What is to be watched, and who does something about a change. */
export interface Watch {
  /** Paths and globs of files that the application does not import. */
  readonly include: ReadonlyArray<string>
  /** Files that options and variables come from, which may be there later. */
  readonly sources: ReadonlyArray<string>
  /** Replaces the workers. */
  readonly reload: () => void
  /** Reads the sources again, and then replaces the workers. */
  readonly reread: () => void
}

export interface Reloads {
  /** What the pool is to tell. */
  readonly reloads: PoolReloads
  /** How the pool is to start its workers. */
  readonly processes: (typeof ChildProcesses)["Service"]
  /** The workers are about to be replaced. */
  readonly begin: () => void
  /** Somebody has asked for workers that load everything anew, packages too. */
  readonly discard: () => void
}

/** Milliseconds after a worker has begun to serve before the next one is started: the first requests come before that. */
const pause = 150

const missing =
  "Node 23 has the hooks that tell what is imported from 23.5 on: " +
  "with this one only the module of the application and --reload-include are watched"

/** Says which files have changed, with the first one's name. */
const tell = (changed: ReadonlyArray<string>) => {
  const [first = "", ...others] = changed.map((file) => relative(process.cwd(), file))
  return Effect.logInfo(`${first}${others.length === 0 ? "" : ` and ${others.length} more`} changed`)
}

/** Begins to watch, for as long as the scope is open. */
export const begin = (watch: Watch): Effect.Effect<Reloads, never, Scope.Scope> =>
  Effect.gen(function* () {
    if (module.registerHooks === undefined) yield* Effect.logWarning(missing)
    const sources = new Set(watch.sources.map((file) => resolve(file)))
    const reloader = yield* Reloader.make([...watch.include, ...watch.sources], (changed) =>
      Effect.andThen(
        tell(changed),
        Effect.sync(() => (changed.some((file) => isOf(sources, file)) ? watch.reread() : watch.reload()))
      )
    )
    const spares = new SpareWorkers((yield* ChildProcesses).start)
    yield* Effect.addFinalizer(() => Effect.sync(() => spares.end()))
    const hasReady = Latch.makeUnsafe(false)
    const prepare = Effect.sync(() => spares.prepare())
    yield* Effect.forkScoped(
      Effect.forever(
        Effect.andThen(hasReady.await, Effect.andThen(hasReady.close, Effect.andThen(Effect.sleep(pause), prepare)))
      )
    )
    // By the time: pages that were loaded before a start of the server see that its code is later.
    const news = new ReloadNews(reloader.loaded, yield* Clock.currentTimeMillis)
    return {
      reloads: {
        onSpawn: (id, tell) => news.onSpawn(id, tell),
        onFiles: news.onFiles,
        onBroken: (id, problem) => {
          news.onBroken(id, problem)
          hasReady.openUnsafe()
        },
        onReady: (id) => {
          news.onReady(id)
          hasReady.openUnsafe()
        },
        onExit: (id) => news.onExit(id)
      },
      processes: { start: spares.start },
      begin: () => news.begin(),
      discard: () => spares.discard()
    }
  })

/** Whether a file is one of these, or in one of these folders. */
const isOf = (sources: ReadonlySet<string>, file: string): boolean =>
  sources.has(file) || [...sources].some((folder) => file.startsWith(`${folder}/`))

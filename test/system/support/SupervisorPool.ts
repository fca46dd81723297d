/** `pagi-server --workers`, with all the processes that come of it. */
import { assert } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { spawn } from "node:child_process"
import { join } from "node:path"
import { fixture, outputOf, pagiServer, type Result } from "./Programs.ts"
import { familiesOf, type Family, type Found, kill, newMark, processesOf, variable } from "./SupervisorProcesses.ts"
import { until } from "./Until.ts"

const root = join(import.meta.dirname, "../../..")

/** The application that says which process it is in. */
export const application = fixture("supervised")

/** A program and all the processes that it has started, whoever their parents are by now. */
export interface Tree {
  readonly mark: string
  /** The process that the test has started. */
  readonly pid: number
  /** How that one has ended; others may run on. */
  readonly result: Effect.Effect<Result>
  /** Whether that one has ended. */
  readonly hasEnded: () => boolean
  /** What all of them have written so far. */
  readonly output: () => string
  /** Writes to the input of the first process. */
  readonly write: (text: string) => Effect.Effect<void>
  readonly processes: () => ReadonlyArray<Found>
  /** From now on nobody reads what they write. */
  readonly closeOutput: () => void
}

/** Starts a program; when the scope closes, all its processes are killed. */
export const start = (
  path: string,
  args: ReadonlyArray<string>,
  environment: Readonly<Record<string, string>> = {},
  mark = newMark()
): Effect.Effect<Tree, never, Scope.Scope> =>
  Effect.acquireRelease(launch(path, args, { ...environment, [variable]: mark }, mark), killAll)

const launch = (
  path: string,
  args: ReadonlyArray<string>,
  environment: Readonly<Record<string, string>>,
  mark: string
) =>
  Effect.sync((): Tree => {
    const env = { ...process.env, ...environment }
    const child = spawn(path, args, { cwd: root, env, stdio: ["pipe", "pipe", "pipe"] })
    const result = Deferred.makeUnsafe<Result>()
    const output = outputOf(child)
    child.stdin.on("error", () => {}) // Nobody has to read it.
    child.on("error", (error) => Deferred.doneUnsafe(result, Effect.die(error)))
    // Not `close`: a successor has the same output.
    child.on("exit", (code, signal) => Deferred.doneUnsafe(result, Effect.succeed({ code, signal })))
    return {
      mark,
      pid: child.pid ?? Number.NaN,
      result: Deferred.await(result),
      hasEnded: () => Deferred.isDoneUnsafe(result),
      output,
      write: (text) => Effect.sync(() => void child.stdin.write(text)),
      processes: () => processesOf(mark),
      closeOutput: () => {
        child.stdout.destroy()
        child.stderr.destroy()
      }
    }
  })

/** Again and again, since a parent that has not been killed yet may start another one. */
const killAll = (tree: Tree) =>
  Effect.andThen(
    until(
      "all processes of the test are gone",
      Effect.sync(() => {
        const rest = tree.processes()
        for (const { pid } of rest) kill(pid, "SIGKILL")
        return rest.length === 0
      })
    ),
    tree.result
  )

/** A server with workers. */
export interface Pool extends Tree {
  readonly port: number
  readonly url: (path: string) => string
  readonly size: number
}

export interface PoolOptions {
  readonly workers?: number
  readonly flags?: ReadonlyArray<string>
  /** `off` unless something else is named. */
  readonly accessLog?: string
  readonly application?: string
  readonly port?: number
  /** The command, when it is not the one of the checkout. */
  readonly command?: readonly [path: string, ...args: ReadonlyArray<string>]
}

/** Starts a server and waits until all its workers have started. */
export const serve = (options: PoolOptions = {}): Effect.Effect<Pool, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { accessLog = "off", workers = 2, flags = [], port = 0 } = options
    const [path, ...before] = options.command ?? [pagiServer]
    const where = flags.some((flag) => flag.startsWith("--listen=")) ? [] : [`--port=${port}`]
    const given = [`--workers=${workers}`, ...where, `--access-log=${accessLog}`, ...flags]
    const tree = yield* start(path, [...before, ...given, options.application ?? application])
    return yield* running(tree, workers)
  })

/** Waits until a server listens and so many workers have started. */
export const running = (tree: Tree, size: number): Effect.Effect<Pool> =>
  Effect.gen(function* () {
    const origin = () => /^(?:.* )?listening on (https?:\/\/127\.0\.0\.1:\d+)\/$/m.exec(tree.output())?.[1]
    const hasEnded = () => tree.hasEnded() && tree.processes().length === 0
    yield* until(
      "the server listens and its workers have started",
      Effect.sync(() => (origin() !== undefined && startedBy(tree).length >= size) || hasEnded())
    )
    const url = origin() ?? (yield* Effect.die(new Error(`the server has ended: ${tree.output()}`)))
    return { ...tree, size, port: Number(new URL(url).port), url: (path) => `${url}${path}` }
  })

/** All workers that have ever started, by the numbers of their processes. */
export const startedBy = ({ output }: Tree): ReadonlyArray<number> =>
  Array.from(output().matchAll(/^started: (\d+)$/gm), ([, pid]) => Number(pid))

/** The one parent that there should be, with its workers. */
export const familyOf = (tree: Tree): Family => {
  const families = familiesOf(tree.mark)
  const [family] = families
  assert.strictEqual(families.length, 1, `one parent with workers\n${tree.output()}`)
  return family ?? assert.fail()
}

/** Waits until there is one family, of which something is true; for longer than usual where much has to happen until then. */
export const familyWith = (
  tree: Tree,
  what: string,
  condition: (family: Family) => boolean,
  duration?: Duration.Input
): Effect.Effect<Family> =>
  Effect.gen(function* () {
    let found: Family | undefined
    yield* until(
      what,
      // A look goes through all processes of the machine, and takes the processor from those that start meanwhile.
      Effect.delay(
        Effect.sync(() => {
          const [family, ...others] = familiesOf(tree.mark)
          found = family
          return family !== undefined && others.length === 0 && condition(family)
        }),
        "20 millis"
      ),
      duration
    ).pipe(Effect.tapCause(() => Effect.sync(() => console.error(tree.output()))))
    return found ?? assert.fail()
  })

/** Stops the parent that there is now, and waits until no process is left. */
export const stop = (pool: Pool): Effect.Effect<void> =>
  Effect.gen(function* () {
    kill(familyOf(pool).parent, "SIGTERM")
    yield* gone(pool)
  })

/** Waits until no process is left. */
export const gone = (tree: Tree): Effect.Effect<void> =>
  until(
    "all processes have ended",
    Effect.sync(() => tree.processes().length === 0)
  ).pipe(Effect.tapCause(() => Effect.sync(() => console.error(tree.processes(), tree.output()))))

/** Fails when anything was logged that somebody would have to look at. */
export const expectQuiet = ({ output }: Tree): void => {
  assert.notMatch(output(), /\b(?:warning|error): |^\(node:/m)
}

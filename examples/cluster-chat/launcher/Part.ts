/** A program that is a part of the chat: started, watched, started again when somebody has ended it, and stopped. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { type ChildProcess, spawn } from "node:child_process"
import type { Guard } from "./Machine.ts"

/** How a program is run. */
export interface Part {
  readonly name: string
  readonly command: string
  readonly args: ReadonlyArray<string>
  readonly env?: Readonly<Record<string, string>>
  /** What it reads from its standard input. */
  readonly input?: string
  /** Whether it does its work by now. */
  readonly isReady: Effect.Effect<boolean>
}

/** A part cannot be started, or has ended with an error. */
export class PartFailed extends Schema.TaggedError<PartFailed>()("PartFailed", {
  name: Schema.String,
  problem: Schema.String,
  /** What it has written last. */
  output: Schema.String
}) {
  override get message(): string {
    return `${this.name} ${this.problem}${this.output === "" ? "" : `; it says:\n${this.output}`}`
  }
}

const startTimeout = "60 seconds"
/** Milliseconds that a part has to stop in, before it is killed. */
const stopTimeout = 8000
const pauseBeforeStart = "2 seconds"
/** Characters of its output that are kept to be shown if it fails. */
const keptOutput = 4000

/** Sends a signal to all processes of a group. Says whether there were any. */
const signalGroup = (pid: number, signal: NodeJS.Signals | 0): boolean => {
  try {
    return process.kill(-pid, signal)
  } catch {
    return false
  }
}

/** How a process has ended. */
interface End {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A part that runs. */
class Running {
  readonly #part: Part
  readonly #guard: Guard
  readonly #child: ChildProcess
  readonly #end = Deferred.makeUnsafe<End, PartFailed>()
  #output = ""

  constructor(part: Part, guard: Guard) {
    this.#part = part
    this.#guard = guard
    // In a group of its own: Ctrl-C in a terminal comes to this program alone, which then stops the parts in order.
    const child = spawn(part.command, part.args, {
      detached: true,
      env: { ...process.env, ...part.env },
      stdio: ["pipe", "pipe", "pipe"]
    })
    this.#child = child
    if (child.pid !== undefined) guard.begun(child.pid)
    child.on("error", ({ message }) => Deferred.doneUnsafe(this.#end, Effect.fail(this.failed(message))))
    child.on("exit", (code, signal) => Deferred.doneUnsafe(this.#end, Effect.succeed({ code, signal })))
    // Whoever has ended does not read.
    child.stdin?.on("error", () => {})
    child.stdin?.end(part.input)
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.#output = (this.#output + text).slice(-keptOutput)
      })
    }
  }

  get pid(): number {
    return this.#child.pid ?? Number.NaN
  }

  readonly end: Effect.Effect<End, PartFailed> = Deferred.await(this.#end)

  /** Whether a signal has ended it. */
  get wasKilled(): boolean {
    return this.#child.signalCode !== null
  }

  failed(problem: string): PartFailed {
    return new PartFailed({ name: this.#part.name, problem, output: this.#output.trim() })
  }

  /** Completes when it does its work. */
  readonly ready: Effect.Effect<void, PartFailed> = Effect.gen({ self: this }, function* () {
    while (!(yield* this.#part.isReady)) yield* Effect.sleep("50 millis")
  }).pipe(
    Effect.raceFirst(
      Effect.flatMap(this.end, ({ code, signal }) =>
        Effect.fail(this.failed(`has ended (${signal ?? `exit code ${code}`}) before it was ready`))
      )
    ),
    Effect.timeoutOrElse({
      duration: startTimeout,
      orElse: () => Effect.suspend(() => Effect.fail(this.failed(`is not ready after ${startTimeout}`)))
    })
  )

  /** Ends it, and everything that it has left. */
  readonly stop: Effect.Effect<void> = Effect.gen({ self: this }, function* () {
    if (this.#child.pid === undefined) return
    this.#child.kill("SIGTERM")
    yield* Effect.exit(Effect.timeoutOption(this.end, stopTimeout))
    // Its children are in its group, and outlive it if it was killed.
    while (signalGroup(this.pid, "SIGKILL")) yield* Effect.sleep("20 millis")
    this.#guard.ended(this.pid)
  })
}

/** Writes lines for whoever has started this. */
export const tell = (...lines: ReadonlyArray<string>): Effect.Effect<void> =>
  Effect.sync(() => {
    process.stdout.write(lines.map((line) => `${line}\n`).join(""))
  })

/** Runs a part again and again, as a service manager would, until it fails. */
const keep = Effect.fnUntraced(function* (part: Part, first: Running, start: () => Running) {
  let running = first
  for (;;) {
    const { code, signal } = yield* running.end
    if (signal === null && code !== 0) return yield* Effect.fail(running.failed(`has failed with exit code ${code}`))
    yield* tell(`${part.name} has ended (${signal ?? "as it was told"}), and starts again in ${pauseBeforeStart}.`)
    yield* running.stop
    yield* Effect.sleep(pauseBeforeStart)
    running = start()
    yield* running.ready.pipe(
      Effect.andThen(tell(`${part.name} is back, as process ${running.pid}.`)),
      // Somebody has ended it once more.
      Effect.catchIf(
        () => running.wasKilled,
        () => Effect.void
      )
    )
  }
})

/**
 * Starts parts that do not need each other, yields their processes when all of them are ready, and keeps them running
 * until the scope closes.
 *
 * @param guard knows of those that run
 * @param failure is told when one of them fails later
 */
export const launch = Effect.fnUntraced(function* (
  parts: ReadonlyArray<Part>,
  guard: Guard,
  failure: Deferred.Deferred<never, PartFailed>
): Effect.fn.Return<ReadonlyArray<number>, PartFailed, Scope.Scope> {
  const current = new Map<Part, Running>()
  yield* Effect.addFinalizer(() =>
    Effect.forEach(current.values(), ({ stop }) => stop, { concurrency: "unbounded", discard: true })
  )
  const start = (part: Part) => {
    const running = new Running(part, guard)
    current.set(part, running)
    return running
  }
  for (const part of parts) start(part)
  yield* Effect.forEach(current.values(), ({ ready }) => ready, { concurrency: "unbounded", discard: true })
  for (const [part, running] of current) {
    yield* keep(part, running, () => start(part)).pipe(
      Effect.catch((error) => Deferred.fail(failure, error)),
      Effect.forkScoped
    )
  }
  return Array.from(current.values(), ({ pid }) => pid)
})

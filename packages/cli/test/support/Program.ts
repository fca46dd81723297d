import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type ChildProcess, spawn } from "node:child_process"
import { join } from "node:path"
import { inject } from "vitest"

const root = join(import.meta.dirname, "../../../..")

/** The command as it is installed in the checkout, which runs from its sources. */
export const fromSources = join(root, "node_modules/.bin/pagi-server")

/** The command as it is published, which starts faster; from its sources where it has not been bundled (`BundledCommand`). */
export const pagiServer = inject("bundledCommand") ?? fromSources

/** How a program ended. */
export interface Result {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** Without what is printed only where the application takes more than a second to load, as on a busy machine. */
  readonly stdout: string
  readonly stderr: string
}

const loadingNotice = /^loading .*\n/gm

/** A program that runs. */
export interface Program {
  readonly pid: number
  /** Waits for a line of its output that matches, and yields the match. */
  readonly line: (pattern: RegExp) => Effect.Effect<RegExpExecArray, Error>
  /** Waits for one more such line than there are when this is called. */
  readonly next: (pattern: RegExp) => Effect.Effect<void, Error>
  readonly signal: (name: NodeJS.Signals) => Effect.Effect<void>
  readonly result: Effect.Effect<Result>
}

export interface Options {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** The path of the command, if it is not to be `pagiServer`. */
  readonly command?: string
  /** What the program inherits as descriptors 3, 4 and so on. */
  readonly descriptors?: ReadonlyArray<number>
}

/** Starts `pagi-server` with these arguments; it is killed when the scope closes. */
export const start = (args: ReadonlyArray<string>, options: Options = {}): Effect.Effect<Program, never, Scope.Scope> =>
  startOther(options.command ?? pagiServer, args, options)

/** Starts another program, one that starts `pagi-server` perhaps. */
export const startOther = (
  path: string,
  args: ReadonlyArray<string>,
  options: Options = {}
): Effect.Effect<Program, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() =>
        spawn(path, args, {
          cwd: options.cwd ?? import.meta.dirname,
          env: { PATH: process.env["PATH"], ...options.env },
          stdio: ["ignore", "pipe", "pipe", ...(options.descriptors ?? [])]
        })
      ),
      (child) => Effect.sync(() => child.kill("SIGKILL"))
    ),
    observe
  )

/** Runs `pagi-server` to its end. */
export const run = (args: ReadonlyArray<string>, options: Options = {}): Effect.Effect<Result> =>
  Effect.scoped(Effect.flatMap(start(args, options), (program) => program.result))

const observe = (child: ChildProcess): Program => {
  const output = { stdout: "", stderr: "" }
  const result = Deferred.makeUnsafe<Result>()
  const watchers = new Set<() => void>()
  const notify = (): void => {
    for (const look of watchers) look()
  }
  for (const name of ["stdout", "stderr"] as const) {
    child[name]?.setEncoding("utf8").on("data", (text: string) => {
      output[name] += text
      notify()
    })
  }
  child.on("close", (code, signal) => {
    const stdout = output.stdout.replace(loadingNotice, "")
    Deferred.doneUnsafe(result, Effect.succeed({ code, signal, stdout, stderr: output.stderr }))
    notify()
  })
  // A line may come in two pieces, and its first one match.
  const linesOf = (text: string): string =>
    Deferred.isDoneUnsafe(result) ? text : text.slice(0, text.lastIndexOf("\n") + 1)
  const matches = (pattern: RegExp): ReadonlyArray<RegExpExecArray> => {
    const all = new RegExp(pattern, `${pattern.flags}g`)
    return [output.stdout, output.stderr].flatMap((text) => Array.from(linesOf(text).matchAll(all)))
  }
  const match = (pattern: RegExp, index: number) =>
    Effect.callback<RegExpExecArray, Error>((resume) => {
      const end = (effect: Effect.Effect<RegExpExecArray, Error>): void => {
        watchers.delete(look)
        resume(effect)
      }
      const look = (): void => {
        const found = matches(pattern)[index]
        if (found !== undefined) end(Effect.succeed(found))
        else if (Deferred.isDoneUnsafe(result)) {
          end(Effect.fail(new Error(`ended without ${pattern}: ${output.stdout}${output.stderr}`)))
        }
      }
      watchers.add(look)
      look()
      return Effect.sync(() => watchers.delete(look))
    })
  return {
    pid: child.pid ?? Number.NaN,
    line: (pattern) => match(pattern, 0),
    next: (pattern) => Effect.asVoid(match(pattern, matches(pattern).length)),
    signal: (name) => Effect.sync(() => child.kill(name)),
    result: Deferred.await(result)
  }
}

/** What a server without workers prints that is told to stop; that it waits for something, only if it has to. */
export const course = (url: string): RegExp =>
  new RegExp(
    `^listening on ${url}\\npagi \\S+ serves HTTP/1\\.1 and HTTP/2 in process \\d+, without workers: ${url}\\n` +
      `shutting down\\n(?:waiting for .*\\n)?` +
      `shut down after \\d+(?:\\.\\d)?m?s\\n$`
  )

/** Waits until a server listens, and yields its address. */
export const address = (program: Program): Effect.Effect<string, Error> =>
  Effect.map(program.line(/^listening on (https?:\S+)$/m), (match) => match[1] ?? "")

import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { spawn } from "node:child_process"
import { join, resolve } from "node:path"
import type { Readable } from "node:stream"
import { inject } from "vitest"
import { until } from "./Until.ts"

const root = join(import.meta.dirname, "../../..")

/** The command as it is installed in the checkout, which runs from its sources. */
export const fromSources = join(root, "node_modules/.bin/pagi-server")

/** The command as it is published, which starts faster (`BundledCommand`). */
export const pagiServer = inject("bundledCommand") ?? fromSources

/** The file of an application of the fixtures, with all that it imports (`BundledApplications`). */
export const fixture = (name: string): string => join(inject("bundledApplications"), `${name}.js`)

/**
 * Has memory tell what is held: glibc gives buffers from 8 KiB back to the system when they are freed, and V8's space for
 * new objects (MiB), which otherwise grows with the load and keeps its size, stays what it was.
 */
const env = { ...process.env, MALLOC_MMAP_THRESHOLD_: "8192", NODE_OPTIONS: "--max-semi-space-size=16" }

/** How a program ended. */
export interface Result {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** Collects what a program writes, in the order in which it comes; answers with all of it so far. */
export const outputOf = ({ stderr, stdout }: { readonly stderr: Readable; readonly stdout: Readable }) => {
  let output = ""
  for (const stream of [stdout, stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text
    })
  }
  return (): string => output
}

/** A program that runs. */
export interface Program {
  readonly pid: number
  readonly hasEnded: Effect.Effect<boolean>
  readonly result: Effect.Effect<Result>
  /** Everything that it has written so far. */
  readonly output: () => string
  readonly signal: (name: NodeJS.Signals) => Effect.Effect<void>
}

/** Starts a program; it is killed when the scope closes, and has ended when the scope is closed. */
export const start = (
  path: string,
  args: ReadonlyArray<string>,
  cwd = root
): Effect.Effect<Program, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      // The open input tells a server that the tests still run.
      const child = spawn(path, args, { cwd, env, stdio: ["pipe", "pipe", "pipe"] })
      const result = Deferred.makeUnsafe<Result>()
      const output = outputOf(child)
      child.on("error", (error) => Deferred.doneUnsafe(result, Effect.die(error)))
      child.on("close", (code, signal) => Deferred.doneUnsafe(result, Effect.succeed({ code, signal })))
      return {
        pid: child.pid ?? Number.NaN,
        hasEnded: Effect.sync(() => Deferred.isDoneUnsafe(result)),
        result: Deferred.await(result),
        output,
        signal: (name: NodeJS.Signals) => Effect.sync(() => child.kill(name))
      }
    }),
    (program) => Effect.andThen(program.signal("SIGKILL"), program.result)
  )

/** Runs a program to its end. */
export const run = (path: string, args: ReadonlyArray<string>): Effect.Effect<Result & { readonly output: string }> =>
  Effect.scoped(
    Effect.gen(function* () {
      const program = yield* start(path, args)
      const result = yield* program.result
      return { ...result, output: program.output() }
    })
  )

/** `pagi-server` with an application, in a process of its own. */
export interface Server extends Program {
  readonly port: number
  readonly url: (path: string) => string
}

/** Starts `pagi-server` with a file, on a free port of the loopback interface unless one is given. */
export const serveFile = (
  file: string,
  flags: ReadonlyArray<string> = [],
  port = 0
): Effect.Effect<Server, never, Scope.Scope> => listen(["--port", `${port}`, ...flags, resolve(root, file)], root)

/** Starts `pagi-server` with the files of a directory. */
export const serveDirectory = (
  directory: string,
  flags: ReadonlyArray<string> = []
): Effect.Effect<Server, never, Scope.Scope> => listen(["--port", "0", ...flags], directory)

const listen = (args: ReadonlyArray<string>, cwd: string): Effect.Effect<Server, never, Scope.Scope> =>
  Effect.gen(function* () {
    const program = yield* start(pagiServer, ["--no-access-log", ...args], cwd)
    const address = () => /^listening on (https?:\/\/127\.0\.0\.1:\d+)\/$/m.exec(program.output())?.[1]
    yield* until(
      "pagi-server listens",
      Effect.map(program.hasEnded, (hasEnded) => hasEnded || address() !== undefined)
    )
    const origin = address() ?? (yield* Effect.die(new Error(`pagi-server has ended: ${program.output()}`)))
    return { ...program, port: Number(new URL(origin).port), url: (path) => `${origin}${path}` }
  })

/** The lines that a server has printed since it serves. */
export const linesSinceStart = (server: Server): ReadonlyArray<string> => {
  const lines = server.output().trimEnd().split("\n")
  return lines.slice(lines.findIndex((line) => line.startsWith("pagi ")) + 1)
}

/** The same with what is different each time left out. */
export const courseSinceStart = (server: Server): ReadonlyArray<string> =>
  linesSinceStart(server).map((line) => line.replace(/ after \d+(?:\.\d)?m?s$/, ""))

/** Starts `pagi-server` with an application of the fixtures. */
export const serve = (
  application: "app" | "broadcast" | "capricious" | "draining" | "events",
  flags: ReadonlyArray<string> = [],
  port = 0
): Effect.Effect<Server, never, Scope.Scope> => serveFile(fixture(application), flags, port)

/**
 * A server in the background: started by a launcher, which shows what the server logs until it is ready, and ends with
 * success then, or with the server's own exit code when it ends before.
 */
import * as ExitCode from "@pagi/node/pool/ExitCode"
import * as Effect from "effect/Effect"
import { type ChildProcess, spawn } from "node:child_process"
import { closeSync, writeSync } from "node:fs"
import { constants } from "node:os"
import { createInterface } from "node:readline"
import type { Readable } from "node:stream"

/** The descriptor of the pipe to the launcher, in the environment of the server. */
export const variable = "PAGI_LAUNCHER_FD"

const descriptor = 3

/** The way from the server in the background to its launcher. */
export interface Channel {
  /** Shows a line of the log. */
  readonly show: (line: string, stream: "stdout" | "stderr") => void
  /** The server serves, and the launcher may end. */
  readonly ready: () => void
}

/** The channel of a process that a launcher has started. What says so is removed, so that no other process believes it. */
export const claim = (environment: NodeJS.ProcessEnv = process.env): Channel | undefined => {
  const text = environment[variable]
  delete environment[variable]
  if (text === undefined || !/^\d{1,9}$/.test(text)) return undefined
  let fd: number | undefined = Number(text)
  const write = (letter: string, line: string): void => {
    if (fd === undefined) return
    try {
      for (const part of line.split("\n")) writeSync(fd, `${letter}${part}\n`)
    } catch {
      // The launcher was killed; the server goes on.
      fd = undefined
    }
  }
  const ready = (): void => {
    write(letters.ready, "")
    if (fd !== undefined) closeSync(fd)
    fd = undefined
  }
  return { show: (line, stream) => write(letters[stream], line), ready }
}

/** What the first letter of a line through the pipe means. */
const letters = { stdout: "o", stderr: "e", ready: "r" } as const

/** How far a started server has come. */
interface Outcome {
  readonly code: number
  /** What the launcher has to say itself. */
  readonly problem: string | undefined
}

/** Milliseconds for which a program that has been given up may clean up; one that computes, never would. */
const defaultKillDelay = 10_000

/**
 * Starts a program in the background and waits until it is ready, or has ended. Yields the exit code for the launcher.
 *
 * @param command the program and its arguments
 * @param patience milliseconds after which a program that is not ready is stopped; infinitely many for none
 * @param environment what it gets beside what this process has
 * @param killDelay milliseconds after which one that does not stop is killed
 */
export const launch = (
  command: readonly [string, ...Array<string>],
  patience: number,
  environment: Readonly<Record<string, string>> = {},
  killDelay: number = defaultKillDelay
): Effect.Effect<number> =>
  Effect.flatMap(
    Effect.callback<Outcome>((resume) => {
      const [program, ...args] = command
      const child = spawn(program, args, {
        // In a session of its own, so that neither Ctrl-C nor the end of the terminal reaches it.
        detached: true,
        env: { ...process.env, ...environment, [variable]: String(descriptor) },
        stdio: ["ignore", "ignore", "ignore", "pipe"]
      })
      const stopPassing = passSignals(child)
      let givenUp: Outcome | undefined
      const finish = (outcome: Outcome): void => {
        clearTimeout(timer)
        stopPassing()
        child.unref()
        resume(Effect.succeed(givenUp ?? outcome))
      }
      const giveUp = (): void => {
        const problem = `the server was not ready within ${patience / 1000} seconds, and was stopped`
        givenUp = { code: ExitCode.internal, problem }
        child.kill("SIGTERM")
        timer = setTimeout(() => child.kill("SIGKILL"), killDelay)
      }
      let timer = Number.isFinite(patience) ? setTimeout(giveUp, patience) : undefined
      child.once("error", (error) => finish({ code: ExitCode.internal, problem: error.message }))
      const pipe = child.stdio[descriptor]
      // Declared for any stdio; a pipe is both ways.
      if (pipe !== null && pipe !== undefined) follow(child, pipe as Readable, finish)
    }),
    ({ code, problem }) => Effect.as(problem === undefined ? Effect.void : Effect.logError(problem), code)
  )

/** Until the server is ready, who stops the launcher means the server. */
const passSignals = (child: ChildProcess): (() => void) => {
  const pass = (signal: NodeJS.Signals): void => {
    child.kill(signal)
  }
  const signals: ReadonlyArray<NodeJS.Signals> = ["SIGINT", "SIGTERM"]
  for (const signal of signals) process.on(signal, pass)
  return () => signals.forEach((signal) => process.off(signal, pass))
}

/** Shows the server's lines, and finishes when it is ready or has ended. */
const follow = (child: ChildProcess, pipe: Readable, finish: (outcome: Outcome) => void): void => {
  let hasToldProblem = false
  createInterface({ input: pipe }).on("line", (line) => {
    const text = `${line.slice(1)}\n`
    switch (line[0]) {
      case letters.stdout:
        process.stdout.write(text)
        break
      case letters.stderr:
        hasToldProblem = true
        process.stderr.write(text)
        break
      case letters.ready:
        pipe.destroy()
        finish({ code: ExitCode.stopped, problem: undefined })
        break
    }
  })
  child.once("close", (code, signal) => {
    const how = signal === null ? `with exit code ${code}` : `by ${signal}`
    finish({
      // Nothing serves, whatever the server itself thinks of its end.
      code: signal === null ? code || ExitCode.internal : ExitCode.ofSignal(constants.signals[signal]),
      problem: hasToldProblem ? undefined : `the server ended ${how} before it was ready`
    })
  })
}

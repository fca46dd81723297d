/**
 * Ends a process that has been told to stop and does not, as its event loop is blocked: by an application that computes
 * without end. Such a process does not even see the signal, so a thread listens too. It interrupts what runs, says where
 * that is, and has the process exit; where nothing can be interrupted it kills.
 *
 * Node gives signals to the main thread only. What its own listeners are made of is an internal, which this thread alone
 * has; where it is not found there is no guard. The thread takes about 10 MB, so it is started with the first
 * connection: before, there is nothing to compute for.
 */
import { longestTimer } from "@pagi/core/options/OptionKind"
import { constants } from "node:os"
import { Worker } from "node:worker_threads"
import type * as ConsoleLog from "../program/ConsoleLog.ts"
import * as ExitCode from "../program/ExitCode.ts"
import { sameRequest } from "../signals/StopSignals.ts"

/** Milliseconds that the process has for an end of its own when its time is over, and then for one that is forced. */
const patience = 1000

/** As text, so that it needs no file of its own beside the bundled program. */
const program = `
  const { write } = require("node:fs")
  const { Session } = require("node:inspector")
  const { parentPort, Worker, workerData } = require("node:worker_threads")
  const { internalBinding } = require("internal/test/binding")
  const { allowance, code, format, longestTimer, patience, sameRequest, signalBase, signals, stoppingSince } = workerData
  const now = () => Number(process.hrtime.bigint() / 1000000n)

  // As the formats of the log have it.
  const lineOf = (message) => {
    const { pid } = process
    const time = new Date().toISOString()
    if (format === "json") return JSON.stringify({ time, level: "error", message, pid })
    if (format === "logfmt") return "timestamp=" + time + " level=ERROR message=" + JSON.stringify(message) + " pid=" + pid
    return "error: " + message
  }

  // The application's line, rather than a built-in function that it has called.
  const ownFrame = /\\n    (at (?!<anonymous>|[^\\n]*node:)[^\\n]*:\\d+:\\d+\\)?)/
  const anyFrame = /\\n    (at (?!<anonymous>)[^\\n]*)/

  // Node tells standard error that it waits for a debugger, which nobody has: so it gets another one when all is said.
  const exitQuietly = (code) => {
    const { reallyExit } = process
    process.reallyExit = (code) => {
      try {
        const { closeSync, openSync } = process.getBuiltinModule("node:fs")
        closeSync(2)
        openSync("/dev/null", "w")
      } finally {
        reallyExit.call(process, code)
      }
    }
    process.exit(code)
  }

  const end = (code) => {
    // To connect is to wait for the main thread, so it is for another one to kill.
    new Worker("setTimeout(() => process.kill(process.pid, 'SIGKILL'), " + patience + ")", { eval: true, execArgv: [] })
    const session = new Session()
    session.connectToMainThread()
    const evaluate = (expression, then) => session.post("Runtime.evaluate", { expression }, then)
    evaluate("Error().stack", (_error, answer) => {
      const stack = answer?.result?.value
      const [, where = "in something that cannot be interrupted"] = ownFrame.exec(stack) ?? anyFrame.exec(stack) ?? []
      const exit = () => {
        setTimeout(() => session.disconnect(), patience / 10)
        evaluate("(" + exitQuietly + ")(" + code + ")")
      }
      // Nobody may be there to read it.
      setTimeout(exit, patience / 2)
      write(2, lineOf("the application computes without end, and the process ends all the same: " + where) + "\\n", exit)
    })
  }

  let stoppedAt
  let isForced = false
  const stop = (since) => {
    stoppedAt = since
    // A stop that may take weeks is as good as one without a limit.
    if (allowance + patience <= longestTimer) setTimeout(() => end(code), allowance + patience - (now() - since))
  }
  const onSignal = (number) => {
    if (stoppedAt === undefined) return stop(now())
    if (isForced || now() - stoppedAt < sameRequest) return
    isForced = true
    setTimeout(() => end(signalBase + number), patience)
  }
  const { Signal } = internalBinding("signal_wrap")
  globalThis.listeners = signals.map((number) => {
    const listener = new Signal()
    listener.onsignal = onSignal
    listener.start(number)
    return listener
  })
  if (stoppingSince !== undefined) stop(stoppingSince)
  parentPort.postMessage("")
`

export interface StopGuard {
  /** Watches, if it does not yet: for a signal, or what follows one. */
  readonly start: (isStopping: boolean) => void
}

/**
 * A guard that lets a stop take so many milliseconds; infinitely many are no limit. `tell` is told when it is there: a
 * signal that a blocked event loop gets before is not noticed. Where a debugger may be attached there is none: who looks
 * at a breakpoint is not to be interrupted, and at its exit such a process waits for the debugger anyway.
 */
export const make = (allowance: number, tell: (message: string) => void, format?: ConsoleLog.FormatName): StopGuard => {
  let isRunning = false
  return {
    start: (isStopping) => {
      if (isRunning) return
      isRunning = true
      watch({ allowance, isStopping, format }, tell)
    }
  }
}

/** What there is to watch for, and how the log is written. */
interface Watch {
  readonly allowance: number
  readonly isStopping: boolean
  readonly format: ConsoleLog.FormatName | undefined
}

const watch = ({ allowance, format, isStopping }: Watch, tell: (message: string) => void): void => {
  try {
    if (process.getBuiltinModule("node:inspector").url() !== undefined) {
      return tell("no thread listens to signals, as a debugger may be attached")
    }
    const thread = new Worker(program, {
      eval: true,
      execArgv: ["--expose-internals", "--no-warnings"],
      env: {},
      workerData: {
        allowance,
        code: ExitCode.incompleteDrain,
        format,
        longestTimer,
        patience,
        sameRequest,
        signalBase: ExitCode.signalBase,
        signals: [constants.signals.SIGTERM, constants.signals.SIGINT],
        // By a clock that all threads share.
        stoppingSince: isStopping ? Number(process.hrtime.bigint() / 1_000_000n) : undefined
      },
      resourceLimits: { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 1, stackSizeMb: 1 }
    })
    thread.once("message", () => tell("a thread listens to signals too"))
    thread.unref()
    // Without the thread the server serves as well as with it.
    thread.on("error", () => {})
  } catch {
    // The same.
  }
}

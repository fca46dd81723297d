/**
 * Signals to the process that looks after workers. Handlers only pass on what is asked for; one loop acts on it. What is
 * asked for before there is such a loop waits for it.
 */
import { ofSignal } from "@pagi/node/pool/ExitCode"
import { constants } from "node:os"
import { StopRequests } from "./StopSignals.ts"

/** What a signal asks for. */
export type SignalCommand = "reload" | "reopenLogs" | "add" | "remove" | "hotRestart" | "stop"

const commands: ReadonlyArray<readonly [NodeJS.Signals, SignalCommand]> = [
  ["SIGUSR1", "reopenLogs"],
  ["SIGUSR2", "hotRestart"],
  ["SIGTTIN", "add"],
  ["SIGTTOU", "remove"]
]

/** Is told what is asked for; with the number of the signal when it asks for the end. */
type Send = (command: SignalCommand, signal?: number) => void

/** Signals that are listened to. */
export interface SupervisorSignals {
  /** Passes on everything from now on, and what has come before. */
  readonly connect: (send: Send) => void
}

/**
 * Listens to the signals of the process. The second request to stop forces; while nobody is connected who could, it ends
 * the process.
 *
 * @param isTerminalClosed tells a `SIGHUP` for the end of the terminal from others
 */
export const listen = (isTerminalClosed: () => boolean): SupervisorSignals => {
  const early: Array<Parameters<Send>> = []
  let send: Send | undefined
  let stops = 0
  const requests = new StopRequests()
  const pass: Send = (...command) => {
    if (send === undefined) early.push(command)
    else send(...command)
  }
  const stop = (signal: "SIGHUP" | "SIGINT" | "SIGTERM"): void => {
    const isRepeated = requests.isRepeated(performance.now())
    if (stops > 0 && !isRepeated) return
    const number = constants.signals[signal]
    if (stops > 0 && send === undefined) process.exit(ofSignal(number))
    stops++
    pass("stop", number)
  }
  process.on("SIGINT", stop)
  process.on("SIGTERM", stop)
  process.on("SIGHUP", () => (isTerminalClosed() ? stop("SIGHUP") : pass("reload")))
  for (const [signal, command] of commands) process.on(signal, () => pass(command))
  return {
    connect: (to) => {
      send = to
      for (const command of early.splice(0)) to(...command)
    }
  }
}

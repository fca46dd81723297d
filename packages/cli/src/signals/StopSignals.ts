/**
 * Signals that stop the server: the first one gracefully, the second at once. `SIGHUP` is one of them only when it comes
 * from the end of the terminal.
 */
import { ofSignal } from "@pagi/node/pool/ExitCode"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { constants } from "node:os"

/**
 * Milliseconds in which signals are the same request to stop. A Ctrl-C reaches the whole foreground process group, and
 * npm passes the one that it gets on to the server, which so gets two.
 */
export const sameRequest = 500

/** Tells a repeated request to stop from the first one. */
export class StopRequests {
  #first: number | undefined = undefined

  /**
   * Whether the request is a second one.
   *
   * @param now milliseconds of a clock that only goes forward
   */
  isRepeated(now: number): boolean {
    this.#first ??= now
    return now - this.#first >= sameRequest
  }
}

const endNow = (signal: NodeJS.Signals): never => process.exit(ofSignal(constants.signals[signal]))

/**
 * The first request to stop. It is something to wait for and not an interruption, which would leave the program no way to
 * say how the stop went.
 */
export class StopSignal extends Context.Service<
  StopSignal,
  {
    readonly received: Effect.Effect<void>
    readonly isReceived: () => boolean
    /** Has this told what is cut off, when the second request comes and before the process ends. */
    readonly onForced: (tell: (signal: NodeJS.Signals) => void) => void
  }
>()("@pagi/cli/StopSignal") {}

/**
 * Waits for signals from now on; at the second one the process ends. To be called once, before the server starts.
 *
 * @param isTerminalClosed tells a `SIGHUP` for the end of the terminal from others
 */
export const listen = (isTerminalClosed: () => boolean): StopSignal["Service"] => {
  const received = Deferred.makeUnsafe<void>()
  const requests = new StopRequests()
  let tell: ((signal: NodeJS.Signals) => void) | undefined
  const onSignal = (signal: NodeJS.Signals): void => {
    if (requests.isRepeated(performance.now())) {
      tell?.(signal)
      endNow(signal)
    }
    Deferred.doneUnsafe(received, Exit.void)
  }
  listener = onSignal
  attend()
  process.on("SIGHUP", () => {
    if (isTerminalClosed()) onSignal("SIGHUP")
  })
  return {
    received: Deferred.await(received),
    isReceived: () => Deferred.isDoneUnsafe(received),
    onForced: (by) => void (tell = by)
  }
}

/**
 * Leaves signals to the system, which ends the process at once, for a program that serves nobody. The first process of a
 * container has to end itself.
 */
export const endAtOnce = (): StopSignal["Service"] => {
  if (process.pid === 1) {
    for (const signal of stopping) process.on(signal, endNow)
  }
  return { received: Effect.never, isReceived: () => false, onForced: () => {} }
}

/** What this process does at a signal, once it listens. */
let listener: NodeJS.SignalsListener | undefined = undefined

const stopping = ["SIGINT", "SIGTERM"] as const

const attend = (): void => {
  if (listener === undefined) return
  for (const signal of stopping) {
    if (!process.listeners(signal).includes(listener)) process.on(signal, listener)
  }
}

/** Milliseconds after which an import has shown that it lets the event loop run, and so see signals. */
const patience = 500

/**
 * Imports, while signals are left to the system, which ends the process at once: a module that computes without end would
 * have it see none, and there is nothing to be finished yet. The first process of a container goes on to listen, as the
 * system does nothing for that one.
 */
export const leaveToSystem = async <A>(load: () => Promise<A>): Promise<A> => {
  if (listener === undefined || process.pid === 1) return load()
  for (const signal of stopping) process.off(signal, listener)
  const timer = setTimeout(attend, patience)
  try {
    return await load()
  } finally {
    clearTimeout(timer)
    attend()
  }
}

/**
 * Loads what nobody waits for at a signal: that ends the process at once, however long it takes. The first process of a
 * container ends by itself, unless what is loaded computes without end.
 */
export const leaveAllToSystem = async <A>(load: () => Promise<A>): Promise<A> => {
  if (listener === undefined) return load()
  for (const signal of stopping) {
    process.off(signal, listener)
    if (process.pid === 1) process.on(signal, endNow)
  }
  try {
    return await load()
  } finally {
    for (const signal of stopping) process.off(signal, endNow)
    attend()
  }
}

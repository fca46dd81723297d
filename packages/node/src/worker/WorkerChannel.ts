/** How a worker process and its parent hear of each other: by Node's channel for messages, and by signals. */
import * as Effect from "effect/Effect"
import type * as EffectScope from "effect/Scope"
import { asOrder, type WorkerOrder, type WorkerReport } from "./WorkerMessage.ts"

/** Who is told in a worker. */
export interface OrderListener {
  readonly onOrder: (order: WorkerOrder) => void
  /** The parent has sent something that is no order. */
  readonly onNonsense: (message: unknown) => void
  /** Somebody wants the worker to stop: by a signal, or by having ended, as the parent may. */
  readonly onStop: (reason: string) => void
  /** Nothing can be sent to the parent any more, which has ended. */
  readonly onLost: () => void
}

export interface WorkerChannel {
  /** Completes when the report is on its way, or cannot be sent because there is no parent any more. */
  readonly send: (report: WorkerReport) => Effect.Effect<void>
  /** Listens for as long as the scope is open; then the channel closes. */
  readonly listen: (listener: OrderListener) => Effect.Effect<void, never, EffectScope.Scope>
}

/** Signals that reach a worker because they are sent to all processes of a terminal, or that only its parent acts on. */
const ignored: ReadonlyArray<NodeJS.Signals> = ["SIGINT", "SIGHUP", "SIGUSR1", "SIGUSR2"]

const ignore = (): void => {}

/** The channel of this process. */
export const ofProcess: WorkerChannel = {
  send: (report) =>
    Effect.callback((resume) => {
      if (process.send === undefined || !process.connected) return resume(Effect.void)
      // With a callback it is told there, and not to everybody, that the parent has gone.
      process.send(report, undefined, undefined, () => resume(Effect.void))
    }),
  listen: ({ onLost, onNonsense, onOrder, onStop }) =>
    Effect.gen(function* () {
      const onMessage = (message: unknown): void => {
        const order = asOrder(message)
        if (order === undefined) onNonsense(message)
        else onOrder(order)
      }
      const onTerminate = (): void => onStop("SIGTERM")
      const onDisconnect = (): void => {
        onLost()
        onStop("its parent has gone")
      }
      yield* Effect.acquireRelease(
        Effect.sync(() => {
          for (const signal of ignored) process.on(signal, ignore)
          process.on("SIGTERM", onTerminate)
          process.on("message", onMessage)
          process.on("disconnect", onDisconnect)
        }),
        () =>
          Effect.sync(() => {
            process.off("message", onMessage)
            process.off("disconnect", onDisconnect)
            // Signals stay as they are: until the process ends they must not do what they do by default.
            if (process.connected) process.disconnect()
          })
      )
      if (!process.connected) onDisconnect()
    })
}

/** What the log says of a collector: one warning when it cannot be reached, and one line when it can be again. */
import * as Effect from "effect/Effect"

export type SignalName = "traces" | "metrics" | "logs"

/** What all exporters of a process report to. */
export class OtlpReport {
  readonly #log: (message: Effect.Effect<void>) => void
  /** Signals whose last export has failed. */
  readonly #failing = new Set<SignalName>()
  readonly #dropping = new Set<SignalName>()

  /** `log` runs what writes to the log. */
  constructor(log: (message: Effect.Effect<void>) => void) {
    this.#log = log
  }

  /** An export has failed, and perhaps will be tried again. */
  failed(signal: SignalName, url: string, reason: string): void {
    const isFirst = this.#failing.size === 0
    this.#failing.add(signal)
    const write = isFirst ? Effect.logWarning : Effect.logDebug
    this.#log(write(`${signal} are not exported to ${url}: ${reason}; the server goes on without that`))
  }

  succeeded(signal: SignalName, url: string): void {
    if (this.#failing.delete(signal) && this.#failing.size === 0) {
      this.#log(Effect.logInfo(`${signal} are exported again to ${url}`))
    }
  }

  /** There is more than the collector takes, and some of it is lost. */
  dropped(signal: SignalName, url: string): void {
    if (this.#dropping.has(signal)) return
    this.#dropping.add(signal)
    this.#log(Effect.logWarning(`some ${signal} are lost, as ${url} takes them more slowly than they come`))
  }
}

/** What the log says of a collector: one warning for each reason why exports fail, and one line when they do no more. */
import * as Effect from "effect/Effect"

export type SignalName = "traces" | "metrics" | "logs"

/** What all exporters of a process report to. */
export class OtlpReport {
  readonly #log: (message: Effect.Effect<void>) => void
  /** Signals that are not exported at present, and what was wrong when that began. */
  readonly #failing = new Map<SignalName, string>()
  readonly #dropping = new Set<SignalName>()

  /** `log` runs what writes to the log. */
  constructor(log: (message: Effect.Effect<void>) => void) {
    this.#log = log
  }

  #isKnown(reason: string): boolean {
    return [...this.#failing.values()].includes(reason)
  }

  /** An export has failed, and perhaps will be tried again. */
  failed(signal: SignalName, url: string, reason: string): void {
    const write = this.#failing.has(signal) || this.#isKnown(reason) ? Effect.logDebug : Effect.logWarning
    if (!this.#failing.has(signal)) this.#failing.set(signal, reason)
    this.#log(write(`${signal} are not exported to ${url}: ${reason}; the server goes on without that`))
  }

  succeeded(signal: SignalName, url: string): void {
    const reason = this.#failing.get(signal)
    this.#failing.delete(signal)
    if (reason !== undefined && !this.#isKnown(reason)) {
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

/** Signals that stop the server: the first one gracefully, which is the runtime's part, the second at once. */
import { constants } from "node:os"

/**
 * Milliseconds in which signals are the same request to stop. A Ctrl-C reaches the whole foreground process group, and
 * npm passes the one that it gets on to the server, which so gets two.
 */
const SAME_REQUEST = 500

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
    return now - this.#first >= SAME_REQUEST
  }
}

/** Ends the process when it is told to stop a second time. To be called once, before the server starts. */
export const endOnSecondSignal = (): void => {
  const requests = new StopRequests()
  const onSignal = (signal: "SIGINT" | "SIGTERM"): void => {
    if (requests.isRepeated(performance.now())) process.exit(128 + constants.signals[signal])
  }
  process.on("SIGINT", onSignal)
  process.on("SIGTERM", onSignal)
}

/** How long a worker may take to leave, as its parent and the worker itself count it. */
import type { Values } from "@pagi/core/options/ServerOptions"
import * as Duration from "effect/Duration"

/**
 * Milliseconds that the application of a worker has to end when requests had to be cut off, and that a worker takes to
 * exit when all that it had to do is done.
 */
const lifespanAllowance = 5000
const exitAllowance = 1000

/** Milliseconds that the end of the export may take, when everything else has ended. */
export const exportAllowance = 3000

/** Milliseconds that a worker may take to leave which has never been ready, and so has no requests. */
export const unreadyLeaveTimeout = lifespanAllowance

/** Milliseconds that a worker may take to leave, after which it hangs; infinite when its requests may take as long as they like. */
export const leaveTimeout = ({
  drainDelay,
  otlp,
  shutdownTimeout
}: Pick<Values, "drainDelay" | "otlp" | "shutdownTimeout">): number =>
  Duration.isZero(shutdownTimeout)
    ? Number.POSITIVE_INFINITY
    : Duration.toMillis(drainDelay) +
      Duration.toMillis(shutdownTimeout) +
      lifespanAllowance +
      (otlp === "off" ? 0 : exportAllowance) +
      exitAllowance

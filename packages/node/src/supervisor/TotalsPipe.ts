/**
 * How a server that ends tells its successor what it has counted, so that no counter goes back: a line of JSON each time,
 * in the pipe between them, until it ends.
 */
import { MetricSample } from "@pagi/core/metrics/MetricSamples"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { Socket } from "node:net"
import * as JsonLines from "../process/JsonLines.ts"

const isSample = Schema.is(MetricSample)

/** What is a sample of values that were read. */
export const samplesOf = (values: unknown): ReadonlyArray<MetricSample> =>
  Array.isArray(values) ? values.filter(isSample) : []

export const lineOf = (samples: ReadonlyArray<MetricSample>): string => `${JSON.stringify(samples)}\n`

/** Characters of a line beyond which it is none: thousands of series. */
const longestLine = 16 * 1024 * 1024

export interface TotalsListener {
  readonly onTotals: (samples: ReadonlyArray<MetricSample>) => void
  /** Once: the other end has closed. */
  readonly onEnd: () => void
}

/** Reads until the predecessor ends, or the scope closes. */
export const read = (
  descriptor: number,
  { onEnd, onTotals }: TotalsListener
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.asVoid(
    Effect.acquireRelease(
      Effect.sync(() => {
        const socket = new Socket({ fd: descriptor, readable: true, writable: false })
        JsonLines.read(socket, longestLine, (value) => onTotals(samplesOf(value)))
        socket.on("close", onEnd)
        return socket
      }),
      (socket) => Effect.sync(() => socket.destroy())
    )
  )

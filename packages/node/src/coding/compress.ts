/** Compresses the content of responses on their way, for clients that take it. */
import type * as Event from "@pagi/core/contract/Event"
import { type Application, type Receive, type Send, wrap } from "@pagi/core/contract/PagiApp"
import type { Scope } from "@pagi/core/contract/Scope"
import type { SendError } from "@pagi/core/contract/SendError"
import type { HeaderBlock } from "@pagi/core/http/HeaderBlock"
import { defaultCompressSize } from "@pagi/core/options/Combinations"
import { callApplication } from "@pagi/core/server/ApplicationCall"
import * as Effect from "effect/Effect"
import { processLimiter } from "../compression/CompressionLimiter.ts"
import * as FileBody from "../files/FileBody.ts"
import { accepted, type Coding } from "../static/ContentCoding.ts"
import { CodedResponse } from "./CodedResponse.ts"
import { Coder, isAvailable, memoryOf } from "./Coder.ts"

/** How responses are compressed. */
export interface CompressSettings {
  /** Bytes of content from which on it is worth it; 1024 by default. What is shorter mostly fits into one packet anyway. */
  readonly minSize?: number | undefined
  /** How hard each coding works, or `off`. By default `br` 4, `zstd` 3 and `gzip` 6, which take about the same time. */
  readonly levels?: Partial<Readonly<Record<Coding, number | "off">>> | undefined
  /** Bytes of a file up to which it is read at once, as the option of this name; 65536 by default. */
  readonly syncFileThreshold?: number | undefined
}

const defaultLevels: Readonly<Record<Coding, number>> = { br: 4, zstd: 3, gzip: 6 }

/**
 * MiB that all coders of the process may take: 256 of them with the levels by default, 512 with `gzip` alone. A coder lasts
 * as long as its response, and those of clients that read slowly last long; what comes beyond is sent as it is.
 */
const memoryLimit = 512

/** How much those take that there are. */
let memory = 0

/** Makes what chooses a coding, and makes coders. */
const makeCodings = (levels: CompressSettings["levels"] = {}) => {
  const levelOf = (coding: Coding): number | "off" => levels[coding] ?? defaultLevels[coding]
  const isOn = (coding: Coding): boolean => levelOf(coding) !== "off" && isAvailable(coding)
  return {
    codingOf: (headers: HeaderBlock): Coding | undefined => accepted(headers).find(isOn),
    makeCoder: (coding: Coding): Coder | undefined => {
      const level = levelOf(coding)
      if (level === "off") return undefined
      const size = memoryOf(coding, level)
      if (memory + size > memoryLimit) return undefined
      try {
        const coder = new Coder(processLimiter, coding, level, () => {
          memory -= size
        })
        memory += size
        return coder
      } catch {
        // There is no memory for it; the response can do without.
        return undefined
      }
    }
  }
}

/**
 * Compresses content of text and the like by `br`, `zstd` or `gzip`, as the client likes best (docs/compression.md). What
 * goes out in pieces is flushed whenever the application pauses. Event streams, WebSockets, parts of something, what is
 * compressed already, and responses with `cache-control: no-transform` stay as they are.
 *
 *     const site = Around.compress(application, { levels: { br: 5, gzip: "off" } })
 */
export const compress = <E, R>(
  application: Application<E, R>,
  { levels, minSize = defaultCompressSize, syncFileThreshold = 65_536 }: CompressSettings = {}
): Application<E | SendError, R> => {
  const codings = makeCodings(levels)
  const context = { ...codings, minSize, files: FileBody.make(syncFileThreshold) }
  // What it fails with and requires is that of the application, which is added below.
  const inner = application as unknown as Application<unknown, never>
  const around = (scope: Scope, receive: Receive<Event.ReceiveEvent>, send: Send<Event.SendEvent>) => {
    if (scope.type !== "http") return inner(scope, receive, send)
    return Effect.withFiber((fiber) => {
      const response = new CodedResponse(scope, send, { ...context, fork: Effect.runForkWith(fiber.context) })
      // In this scope it is asked for events of HTTP alone; others it hands to the server, which refuses them.
      const ran = callApplication(inner, scope, receive, response.send as Send<Event.SendEvent>)
      return Effect.ensuring(
        Effect.tap(ran, () => response.finish),
        Effect.sync(() => response.close())
      )
    })
  }
  return wrap(application, around) as Application<E | SendError, R>
}

/** A collector of OTLP over HTTP: keeps what exporters send, and answers as it is told to. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { createServer, type IncomingMessage, type OutgoingHttpHeaders } from "node:http"
import type { AddressInfo } from "node:net"
import { gunzipSync } from "node:zlib"
import { until } from "./Until.ts"

interface Value {
  readonly stringValue?: string
  readonly intValue?: number
  readonly boolValue?: boolean
}

type Attributes = ReadonlyArray<{ readonly key: string; readonly value: Value }>

/** Attributes as a record. */
export const attributesOf = (attributes: Attributes): Readonly<Record<string, string | number | boolean | undefined>> =>
  Object.fromEntries(
    attributes.map(({ key, value }) => [key, value.stringValue ?? value.intValue ?? value.boolValue] as const)
  )

interface Resource {
  readonly attributes: Attributes
}

export interface Span {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly kind: number
  readonly attributes: Attributes
  readonly events: ReadonlyArray<{ readonly name: string }>
  readonly status: { readonly code: number }
}

export interface LogRecord {
  readonly severityText: string
  readonly body: Value
  readonly attributes: Attributes
  readonly traceId?: string
  readonly spanId?: string
}

export interface DataPoint {
  readonly attributes: Attributes
  readonly asDouble?: number
  readonly count?: number
}

export interface Metric {
  readonly name: string
  readonly unit: string
  readonly sum?: { readonly dataPoints: ReadonlyArray<DataPoint>; readonly isMonotonic: boolean }
  readonly gauge?: { readonly dataPoints: ReadonlyArray<DataPoint> }
  readonly histogram?: { readonly dataPoints: ReadonlyArray<DataPoint> }
}

/** One request of an exporter. */
export interface Export {
  readonly path: string
  readonly headers: IncomingMessage["headers"]
  readonly content: Buffer
  /** When it was whole, in milliseconds. */
  readonly at: number
  /** Whether the collector has taken it; what it has not is sent once more. */
  readonly isTaken: boolean
}

/** How the collector answers: by a status, or not at all. */
export type Answer = { readonly status: number; readonly headers?: OutgoingHttpHeaders } | "never"

export interface Collector {
  readonly url: string
  readonly exports: Array<Export>
  answer: Answer
  /** What has come in JSON and was taken, with the attributes of its resource. */
  readonly spans: ReadonlyArray<Span & { readonly resource: ReturnType<typeof attributesOf> }>
  readonly logs: ReadonlyArray<LogRecord & { readonly resource: ReturnType<typeof attributesOf> }>
  readonly metrics: ReadonlyArray<Metric & { readonly resource: ReturnType<typeof attributesOf> }>
}

const read = async (request: IncomingMessage): Promise<Omit<Export, "isTaken">> => {
  const pieces: Array<Buffer> = []
  for await (const piece of request) pieces.push(Buffer.from(piece as Uint8Array)) // No encoding is set.
  const whole = Buffer.concat(pieces)
  const content = request.headers["content-encoding"] === "gzip" ? gunzipSync(whole) : whole
  return { path: request.url ?? "", headers: request.headers, content, at: Date.now() }
}

const keys = {
  "/v1/traces": ["resourceSpans", "scopeSpans", "spans"],
  "/v1/logs": ["resourceLogs", "scopeLogs", "logRecords"],
  "/v1/metrics": ["resourceMetrics", "scopeMetrics", "metrics"]
} as const

/** All items of a signal that has come in JSON; the test says what they are. */
const itemsOf = <Item>(exports: ReadonlyArray<Export>, path: keyof typeof keys) => {
  const [ofResources, ofScopes, items] = keys[path]
  return exports
    .filter((one) => one.isTaken && one.path === path && one.headers["content-type"] === "application/json")
    .flatMap(({ content }) => {
      // What Effect's exporters write, which is not what is tested.
      const data = JSON.parse(content.toString()) as Record<string, ReadonlyArray<Record<string, unknown>>>
      return (data[ofResources] ?? []).flatMap((part) => {
        const resource = attributesOf((part["resource"] as Resource).attributes)
        const scopes = part[ofScopes] as ReadonlyArray<Record<string, ReadonlyArray<Item>>>
        return scopes.flatMap((scope) => (scope[items] ?? []).map((item) => Object.assign({}, item, { resource })))
      })
    })
}

class Receiver implements Collector {
  readonly exports: Array<Export> = []
  answer: Answer = { status: 200 }
  url = ""

  get spans() {
    return itemsOf<Span>(this.exports, "/v1/traces")
  }

  get logs() {
    return itemsOf<LogRecord>(this.exports, "/v1/logs")
  }

  get metrics() {
    return itemsOf<Metric>(this.exports, "/v1/metrics")
  }
}

/** Starts a collector on a free port, or on this one; it ends with the scope. */
export const make = (port = 0): Effect.Effect<Collector, never, Scope.Scope> =>
  Effect.gen(function* () {
    const receiver = new Receiver()
    const server = createServer((request, response) => {
      read(request).then(
        (one) => {
          const { answer } = receiver
          receiver.exports.push({ ...one, isTaken: answer !== "never" && answer.status === 200 })
          if (answer === "never") return
          response.writeHead(answer.status, answer.headers).end("{}")
        },
        // Broken off: by a time limit, or the end of the process.
        () => response.destroy()
      )
    })
    yield* Effect.acquireRelease(
      Effect.callback<void>((resume) => {
        server.listen(port, "127.0.0.1", () => resume(Effect.void))
      }),
      () =>
        Effect.callback<void>((resume) => {
          server.closeAllConnections()
          server.close(() => resume(Effect.void))
        })
    )
    receiver.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    return receiver
  })

/** Waits until something is there. */
export const find = <A>(look: () => A | undefined): Effect.Effect<A> =>
  Effect.andThen(
    until(() => look() !== undefined),
    Effect.sync(() => {
      const found = look()
      if (found === undefined) throw new Error("it has gone")
      return found
    })
  )

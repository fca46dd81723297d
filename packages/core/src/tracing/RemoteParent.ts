/** The caller's span, as the header fields of a request tell it: W3C Trace Context, or else B3. */
import * as Context from "effect/Context"
import * as Headers from "effect/http/Headers"
import * as HttpTraceContext from "effect/http/HttpTraceContext"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import { joinFields } from "../http/FieldRecord.ts"
import type { HeaderBlock } from "../http/HeaderBlock.ts"
import * as TraceState from "./TraceState.ts"

const fieldNames: ReadonlySet<string> = new Set([
  "traceparent",
  "tracestate",
  "b3",
  "x-b3-traceid",
  "x-b3-spanid",
  "x-b3-sampled",
  "x-b3-flags"
])

/** The first characters of these names; to look a name up in a set, V8 has to compute the hash of text that is new. */
const [t, b, x] = [0x74, 0x62, 0x78]

/** Most requests have none of them. */
const hasAny = (block: HeaderBlock): boolean => {
  for (const [name] of block) {
    const first = name.charCodeAt(0)
    if ((first === t || first === b || first === x) && fieldNames.has(name)) return true
  }
  return false
}

const rules = { isWanted: (name: string): boolean => fieldNames.has(name) }

/** The span that the request is a part of for its client, if it tells one. */
export const fromBlock = (block: HeaderBlock): Tracer.ExternalSpan | undefined => {
  if (!hasAny(block)) return undefined
  // A field that comes twice is joined: a `tracestate` may be split (§3.3.1.1), and of the others none is valid then.
  const fields = joinFields(block, rules)
  const headers = Headers.fromRecordUnsafe(fields)
  const parent = Option.getOrUndefined(HttpTraceContext.w3c(headers))
  // It belongs to `traceparent`, without which it means nothing.
  if (parent === undefined) return Option.getOrUndefined(HttpTraceContext.fromHeaders(headers))
  const state = TraceState.parse(fields["tracestate"] ?? "")
  if (state === undefined) return parent
  return Tracer.externalSpan({ ...parent, annotations: Context.make(TraceState.TraceStateOfSpan, state) })
}

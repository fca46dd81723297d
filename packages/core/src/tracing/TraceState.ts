/** The field `tracestate` (W3C Trace Context §3.3): what tracing systems have to say to themselves, passed on by all others. */
import * as Context from "effect/Context"

/** As many members as systems have to pass on, and characters that nobody has to exceed (§3.3.1.5). */
const maxMembers = 32
const maxLength = 512

const key = /^(?:[a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})$/
const value = /^[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/

/** The members by their names, the latest first. It does not change, and has the methods of OpenTelemetry's `TraceState`. */
export class TraceState {
  readonly #members: ReadonlyMap<string, string>

  constructor(members: ReadonlyMap<string, string>) {
    this.#members = members
  }

  get(name: string): string | undefined {
    return this.#members.get(name)
  }

  /** With this member in front; what is malformed changes nothing. */
  set(name: string, text: string): TraceState {
    if (!key.test(name) || !value.test(text)) return this
    const others = [...this.#members].filter(([other]) => other !== name)
    return new TraceState(new Map([[name, text] as const, ...others].slice(0, maxMembers)))
  }

  unset(name: string): TraceState {
    return new TraceState(new Map([...this.#members].filter(([other]) => other !== name)))
  }

  /** The field's value. */
  serialize(): string {
    return [...this.#members].map(([name, text]) => `${name}=${text}`).join(",")
  }
}

/** Reads the field; one that is malformed counts as absent as a whole (§3.3.1.1). */
export const parse = (text: string): TraceState | undefined => {
  if (text.length > maxLength) return undefined
  const members = new Map<string, string>()
  for (const part of text.split(",")) {
    const member = part.trim()
    if (member === "") continue
    const equals = member.indexOf("=")
    const name = member.slice(0, equals)
    if (equals < 0 || !key.test(name) || !value.test(member.slice(equals + 1)) || members.has(name)) return undefined
    members.set(name, member.slice(equals + 1))
  }
  return members.size === 0 || members.size > maxMembers ? undefined : new TraceState(members)
}

/** Where tracers find it on the span of a caller: the name is that of `@effect/opentelemetry`, which passes it on. */
export class TraceStateOfSpan extends Context.Service<TraceStateOfSpan, TraceState>()(
  "@effect/opentelemetry/Tracer/OtelTraceState"
) {}

/** What browsers are told by Strict-Transport-Security (RFC 6797). */
import type { Kind } from "./OptionKind.ts"

/** A year in seconds, the least that lists of browsers take. */
const year = 31_536_000

/** Reads the directives, with commas or semicolons between them; nothing of what is none, or would not count. */
const read = (text: string): string | undefined => {
  const [age, ...others] = text.split(/[;,]/).map((part) => part.trim().toLowerCase())
  const [, seconds] = /^max-age=(\d{1,10})$/.exec(age ?? "") ?? []
  const names = new Set(others)
  const isKnown = others.every((name) => name === "includesubdomains" || name === "preload")
  if (seconds === undefined || !isKnown || names.size !== others.length) return undefined
  if (names.has("preload") && !(names.has("includesubdomains") && Number(seconds) >= year)) return undefined
  const subdomains = names.has("includesubdomains") ? "; includeSubDomains" : ""
  return `max-age=${Number(seconds)}${subdomains}${names.has("preload") ? "; preload" : ""}`
}

/** The value of the field. */
export const kind: Kind<string, string> = {
  expected:
    "max-age=SECONDS, and behind it includeSubDomains, and preload if there are includeSubDomains and at least 31536000 seconds, with commas between them",
  placeholder: "max-age=SECONDS[,includeSubDomains[,preload]]",
  accept: (input) => (typeof input === "string" ? read(input) : undefined),
  fromText: (text) => text,
  toText: (value) => value.replaceAll("; ", ",")
}

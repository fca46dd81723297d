/**
 * The content security policies of a page, changed so that one script of its own may run and may ask for an event stream
 * (Content Security Policy Level 3). Nothing else is allowed that was not.
 */
import { randomBytes } from "node:crypto"

/** A directive's name in lower case, and what it allows. */
type Directive = readonly [name: string, sources: ReadonlyArray<string>]

/** Policies as they are now, and what the script has to have as its nonce, if anything. */
export interface ScriptPolicy {
  readonly policies: ReadonlyArray<string>
  readonly nonce: string | undefined
}

const parse = (policy: string): ReadonlyArray<Directive> =>
  policy
    .split(";")
    .map((directive) => directive.trim().split(/\s+/))
    .flatMap(([name = "", ...sources]) => (name === "" ? [] : [[name.toLowerCase(), sources] as const]))

const write = (directives: ReadonlyArray<Directive>): string =>
  directives.map(([name, sources]) => [name, ...sources].join(" ")).join("; ")

/** The first directive of the names that the policy has. */
const find = (directives: ReadonlyArray<Directive>, ...names: ReadonlyArray<string>): Directive | undefined => {
  for (const name of names) {
    const found = directives.find((directive) => directive[0] === name)
    if (found !== undefined) return found
  }
  return undefined
}

const nonceIn = ([, sources]: Directive): string | undefined => {
  for (const source of sources) {
    const [, nonce] = /^'nonce-([\w+/-]+={0,2})'$/i.exec(source) ?? []
    if (nonce !== undefined) return nonce
  }
  return undefined
}

/** With a nonce or a hash, `unsafe-inline` means nothing. */
const allowsInline = ([, sources]: Directive): boolean => {
  const lower = sources.map((source) => source.toLowerCase())
  return (
    lower.includes("'unsafe-inline'") && !lower.some((source) => /^'(?:nonce-|sha\d+-|strict-dynamic')/.test(source))
  )
}

/** Allows something more: in the directive itself, or in one that is put in the place of `default-src` for it. */
const allow = (
  directives: ReadonlyArray<Directive>,
  [found, sources]: Directive,
  name: string,
  source: string
): ReadonlyArray<Directive> => {
  const wider = [...sources.filter((other) => other.toLowerCase() !== "'none'"), source]
  if (found === "default-src") return [...directives, [name, wider]]
  return directives.map((directive) => (directive[0] === found ? [found, wider] : directive))
}

const scriptDirective = (directives: ReadonlyArray<Directive>): Directive | undefined =>
  find(directives, "script-src-elem", "script-src", "default-src")

const allowScript = (directives: ReadonlyArray<Directive>, nonce: string): ReadonlyArray<Directive> => {
  const found = scriptDirective(directives)
  if (found === undefined || allowsInline(found) || found[1].includes(`'nonce-${nonce}'`)) return directives
  return allow(directives, found, "script-src", `'nonce-${nonce}'`)
}

const allowStream = (directives: ReadonlyArray<Directive>): ReadonlyArray<Directive> => {
  const found = find(directives, "connect-src", "default-src")
  if (found === undefined || found[1].some((source) => source === "*" || source.toLowerCase() === "'self'")) {
    return directives
  }
  return allow(directives, found, "connect-src", "'self'")
}

/** Has the policies allow the script; a nonce that one of them has is taken for all. */
export const allowing = (
  policies: ReadonlyArray<string>,
  makeNonce: () => string = () => randomBytes(16).toString("base64url")
): ScriptPolicy => {
  // A field may have several, each of which a page has to comply with.
  const all = policies.map((field) => field.split(",").map(parse))
  const restricting = all
    .flat()
    .map(scriptDirective)
    .filter((directive) => directive !== undefined)
    .filter((directive) => !allowsInline(directive))
  if (restricting.length === 0) {
    return { policies: all.map((field) => field.map(allowStream).map(write).join(", ")), nonce: undefined }
  }
  const nonce = restricting.map(nonceIn).find((found) => found !== undefined) ?? makeNonce()
  const changed = all.map((field) =>
    field.map((directives) => write(allowStream(allowScript(directives, nonce)))).join(", ")
  )
  return { policies: changed, nonce }
}

/** Reads single variables of OpenTelemetry's: an empty one counts as none, and a value that is not allowed is refused. */
import { InvalidOption } from "@pagi/core/options/ServerOptions"
import * as Effect from "effect/Effect"

export type Environment = Readonly<Record<string, string | undefined>>

type Read<A> = Effect.Effect<A | undefined, InvalidOption>

const refuse = (option: string, value: string, expected: string): Effect.Effect<never, InvalidOption> =>
  Effect.fail(new InvalidOption({ option, value, expected }))

/** Variables of one environment. Of several names the first counts that is set. */
export class OtlpVariables {
  readonly #environment: Environment
  readonly #used = new Set<string>()

  constructor(environment: Environment) {
    this.#environment = environment
  }

  /** The value, and the name that it has. */
  #find(names: ReadonlyArray<string>): readonly [name: string, value: string] | undefined {
    for (const name of names) this.#used.add(name)
    for (const name of names) {
      const value = this.#environment[name]?.trim()
      if (value !== undefined && value !== "") return [name, value]
    }
    return undefined
  }

  text(...names: ReadonlyArray<string>): string | undefined {
    return this.#find(names)?.[1]
  }

  /** Only `true` is true, and in any case: the specification takes everything else for false. */
  isTrue(name: string): boolean {
    return this.text(name)?.toLowerCase() === "true"
  }

  choice<const Value extends string>(values: ReadonlyArray<Value>, ...names: ReadonlyArray<string>): Read<Value> {
    const [name, text] = this.#find(names) ?? []
    if (name === undefined || text === undefined) return Effect.undefined
    const value = values.find((one) => one === text.toLowerCase())
    return value === undefined ? refuse(name, text, `one of ${values.join(", ")}`) : Effect.succeed(value)
  }

  /** A whole number of at least 1. */
  count(...names: ReadonlyArray<string>): Read<number> {
    const [name, text] = this.#find(names) ?? []
    if (name === undefined || text === undefined) return Effect.undefined
    // No more than a timer of the runtime holds.
    return /^\d{1,9}$/.test(text) && Number(text) > 0
      ? Effect.succeed(Number(text))
      : refuse(name, text, "a whole number from 1 to 999999999")
  }

  /** A number from 0 to 1. */
  ratio(name: string): Read<number> {
    const text = this.text(name)
    if (text === undefined) return Effect.undefined
    return /^(?:0|1|0?\.\d+|1\.0+|0\.)$/.test(text)
      ? Effect.succeed(Number(text))
      : refuse(name, text, "a number from 0 to 1")
  }

  url(...names: ReadonlyArray<string>): Read<string> {
    const [name, text] = this.#find(names) ?? []
    if (name === undefined || text === undefined) return Effect.undefined
    const protocol = URL.parse(text)?.protocol
    return protocol === "http:" || protocol === "https:"
      ? Effect.succeed(text)
      : refuse(name, text, "a URL of http or https")
  }

  /** Pairs such as `a=1,b=2`, whose values may be percent-encoded. They may be secrets, so nobody is shown them. */
  pairs(...names: ReadonlyArray<string>): Effect.Effect<Readonly<Record<string, string>>, InvalidOption> {
    const [name, text] = this.#find(names) ?? []
    if (name === undefined || text === undefined) return Effect.succeed({})
    const pairs: Record<string, string> = {}
    for (const part of text.split(",")) {
      if (part.trim() === "") continue
      const [, key, value] = /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/.exec(part) ?? []
      const decoded = decode(value)
      if (key === undefined || decoded === undefined) {
        return refuse(name, "(not shown)", "pairs such as name=value,other=value, where % begins an encoded byte")
      }
      pairs[decode(key) ?? key] = decoded
    }
    return Effect.succeed(pairs)
  }

  /** The variables with such a beginning that are set and that nobody has asked for. */
  unused(beginnings: ReadonlyArray<string>): ReadonlyArray<string> {
    return Object.keys(this.#environment).filter(
      (name) =>
        beginnings.some((beginning) => name.startsWith(beginning)) &&
        !this.#used.has(name) &&
        (this.#environment[name] ?? "") !== ""
    )
  }
}

const decode = (text: string | undefined): string | undefined => {
  if (text === undefined) return undefined
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

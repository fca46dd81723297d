/** The fields of a request as `Headers` that are looked up where they came, and copied only for more than that. */
import type { HeaderBlock } from "../http/HeaderBlock.ts"
import { lookUpName } from "../http/ResponseField.ts"
import { completeAs, constructedAs } from "./Delegation.ts"

/** All values of a field in one, as `Headers.get` gives them; cookies are one field already. */
const joined = (block: HeaderBlock, name: string): string | null => {
  let value: string | null = null
  for (const field of block) {
    if (field[0] === name) value = value === null ? field[1] : `${value}, ${field[1]}`
  }
  return value
}

/** A header block as what initializes `Headers`, whose type is of arrays that may be changed. */
export const toInit = (block: HeaderBlock): Array<[string, string]> => block.map(([name, value]) => [name, value])

/** Passes for `Headers` wherever these are used rather than looked into by the runtime, which iterates over others. */
export class LightHeaders implements Headers {
  declare readonly append: Headers["append"]
  declare readonly delete: Headers["delete"]
  declare readonly set: Headers["set"]
  declare readonly getSetCookie: Headers["getSetCookie"]
  declare readonly forEach: Headers["forEach"]
  declare readonly keys: Headers["keys"]
  declare readonly values: Headers["values"]
  declare readonly entries: Headers["entries"]
  declare readonly [Symbol.iterator]: Headers["entries"]

  /** Until there are real ones. */
  #block: HeaderBlock | undefined
  #real: Headers | undefined = undefined

  constructor(block: HeaderBlock) {
    this.#block = block
  }

  /** The runtime's own, which are these from now on. */
  get real(): Headers {
    if (this.#real !== undefined) return this.#real
    const real = new Headers(toInit(this.#block ?? []))
    this.adopt(real)
    return real
  }

  /** The runtime has made a copy of these fields, which takes their place. */
  adopt(real: Headers): void {
    this.#real = real
    this.#block = undefined
  }

  get(name: string): string | null {
    const block = this.#block
    const field = block === undefined ? undefined : lookUpName(String(name))
    return block === undefined || field === undefined ? this.real.get(name) : joined(block, field.name)
  }

  has(name: string): boolean {
    return this.get(name) !== null
  }
}

completeAs(LightHeaders, Headers, (headers) => headers.real)
constructedAs(LightHeaders, Headers)

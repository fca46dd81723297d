/** Values of a schema as JSON text, and back. There is one for each schema, however many topics have it. */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

/** A schema of values that can be written as JSON; it needs no services, and does not wait. */
export type TopicSchema<A> = Schema.Codec<A, unknown>

/** For programs without types. */
const noSchema =
  "a topic has a schema for its values, Topic.make(name, schema), " +
  "and one that somebody joins has another for its members, Topic.make(name, schema, { member: schema })"

/** The two ways; a failure is what is wrong, for people. */
export class TopicCodec<in out A> {
  readonly #decode: (input: unknown) => Result.Result<A, { readonly message: string }>
  readonly #encode: (value: A) => Result.Result<unknown, { readonly message: string }>

  private constructor(schema: TopicSchema<A>) {
    const json = Schema.toCodecJson(schema)
    this.#decode = Schema.decodeUnknownResult(json)
    this.#encode = Schema.encodeResult(json)
  }

  static readonly #all = new WeakMap<object, unknown>()

  static of<A>(schema: TopicSchema<A>): TopicCodec<A> {
    // What is kept for a schema was made from it.
    const known = TopicCodec.#all.get(schema) as TopicCodec<A> | undefined
    if (known !== undefined) return known
    if (!Schema.isSchema(schema)) throw new TypeError(noSchema)
    const made = new TopicCodec(schema)
    TopicCodec.#all.set(schema, made)
    return made
  }

  encode(value: A): Result.Result<string, string> {
    return attempt(() =>
      Result.flatMap(this.#encode(value), (json) => {
        // Of what JSON does not have, such as a function, there is no text, other than the type says.
        const text: string | undefined = JSON.stringify(json)
        return text === undefined ? Result.fail({ message: `${typeof json} is no JSON` }) : Result.succeed(text)
      })
    )
  }

  decode(text: string): Result.Result<A, string> {
    return attempt(() => this.#decode(JSON.parse(text)))
  }
}

const attempt = <A>(run: () => Result.Result<A, { readonly message: string }>): Result.Result<A, string> => {
  try {
    return Result.mapError(run(), ({ message }) => message)
  } catch (error) {
    return Result.fail(thrown(error))
  }
}

/** `JSON.parse` throws what is wrong with the text, and a schema when it is not one for topics. */
const thrown = (error: unknown): string =>
  error instanceof SyntaxError
    ? error.message
    : `the schema waits for something or throws, which one of a topic may not: ${String(error)}`

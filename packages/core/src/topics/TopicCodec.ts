/** Values of a schema as JSON text, and back. There is one for each schema, however many topics have it. */
import * as Cause from "effect/Cause"
import * as Formatter from "effect/Formatter"
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
    return Result.flatMap(
      attempt(() => this.#encode(value)),
      toText
    )
  }

  decode(text: string): Result.Result<A, string> {
    return Result.flatMap(fromText(text), (json) => attempt(() => this.#decode(json)))
  }
}

/** A schema that takes anything lets pass what JSON does not have. */
const toText = (json: unknown): Result.Result<string, string> => {
  try {
    // Of what JSON does not have, such as a function, there is no text, other than the type says.
    const text: string | undefined = JSON.stringify(json)
    return text === undefined ? Result.fail(noJson(typeof json)) : Result.succeed(text)
  } catch (error) {
    return Result.fail(noJson(wordsOf(error)))
  }
}

const noJson = (why: string): string =>
  `the value is no JSON (${why}); in place of a schema that takes anything, such as Schema.Any, the topic needs one ` +
  "that makes JSON of its values, as Schema.BigInt does of a bigint"

const fromText = (text: string): Result.Result<unknown, string> =>
  Result.try({ try: () => JSON.parse(text), catch: wordsOf })

const attempt = <A>(run: () => Result.Result<A, { readonly message: string }>): Result.Result<A, string> => {
  try {
    return Result.mapError(run(), ({ message }) => message)
  } catch (error) {
    const why = error instanceof Error && Cause.isCause(error.cause) ? Cause.squash(error.cause) : error
    return Result.fail(`the schema waits for something or throws, which one of a topic may not: ${wordsOf(why)}`)
  }
}

/** Whatever is thrown has some. */
const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : Formatter.format(error))

/**
 * What was said in the rooms, in the order that is the same for everyone: a stream of Redis for each room.
 *
 * A message is in it before anybody is told of it. So whoever has lost a connection, a server or a message of the topic
 * finds here what is missing.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redis from "effect/persistence/Redis"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type { Speech } from "../10-chat/Rooms.ts"
import { Said } from "../10-chat/Messages.ts"
import type { Told } from "./Messages.ts"

/** Messages that a room repeats for those who have not been there. */
export const forNewcomers = 50

/** Messages that a room remembers; Redis keeps some more, since it removes them by blocks. */
export const memory = 1000

/** Seconds after the last message until a room is forgotten. */
const roomLifetime = 7 * 24 * 60 * 60

/** Seconds in which a message may come again and is known. */
const keyLifetime = 60 * 60

/** How long Redis may be away before a member has to come again. */
export const patience = "5 seconds"

/** Redis does not answer, or not as it should. */
export class HistoryUnreachable extends Schema.TaggedError<HistoryUnreachable>()("HistoryUnreachable", {
  message: Schema.String
}) {}

export type Message = typeof Said.Type

/** The id that comes before all others. */
export const beginning = "0-0"

/** Milliseconds of Redis's clock and a number. */
const idPattern = /^(\d{1,15})-(\d{1,15})$/

export const isId = (text: string): boolean => idPattern.test(text)

const numbersOf = (id: string): readonly [milliseconds: number, count: number] => {
  const [, milliseconds, count] = idPattern.exec(id) ?? []
  return [Number(milliseconds), Number(count)]
}

/** Whether a message comes after another one in their room. */
export const isAfter = (id: string, other: string): boolean => {
  const [milliseconds, count] = numbersOf(id)
  const [otherMilliseconds, otherCount] = numbersOf(other)
  return milliseconds === otherMilliseconds ? count > otherCount : milliseconds > otherMilliseconds
}

export class History extends Context.Service<
  History,
  {
    /** Writes down what somebody says. What has come before, by its key, is not written again, but may be told again. */
    readonly append: (room: string, speech: Speech) => Effect.Effect<Told, HistoryUnreachable>
    /** The messages after one in their order, or the last ones. */
    readonly since: (room: string, id: string | undefined) => Effect.Effect<ReadonlyArray<Message>, HistoryUnreachable>
    /** The id of the last message. */
    readonly last: (room: string) => Effect.Effect<string, HistoryUnreachable>
  }
>()("examples/cluster-chat/History") {}

/** The braces have the keys of a room at the same place, where Redis is a cluster. */
const streamOf = (room: string): string => `chat:{${room}}`

/** Without a key a message is never known: the last part of the name is empty then, and nothing is stored there. */
const keyOf = (room: string, { from, key }: Speech): string =>
  key === undefined ? `chat:{${room}}:` : `chat:{${room}}:${from}:${key}`

/** Yields the id of the message, and that of the one before it; of one that has come before, its id alone. */
const append = Redis.script(
  (room: string, speech: Speech, message: string) => [
    ...[streamOf(room), keyOf(room, speech)],
    ...[message, memory, roomLifetime, keyLifetime, speech.key ?? ""]
  ],
  {
    numberOfKeys: 2,
    lua: `
      local known = ARGV[5] ~= "" and redis.call("GET", KEYS[2])
      if known then return { known, "" } end
      local newest = redis.call("XREVRANGE", KEYS[1], "+", "-", "COUNT", 1)[1]
      local id = redis.call("XADD", KEYS[1], "MAXLEN", "~", ARGV[2], "*", "message", ARGV[1])
      redis.call("EXPIRE", KEYS[1], ARGV[3])
      if ARGV[5] ~= "" then redis.call("SET", KEYS[2], id, "EX", ARGV[4]) end
      return { id, newest and newest[1] or "${beginning}" }
    `
  }
).withReturnType<unknown>()

const decodeAppended = Schema.decodeUnknownEffect(Schema.Tuple([Schema.String, Schema.String]))

/** A message as it is stored: its id is that of the entry. */
const Stored = Schema.fromJsonString(Schema.Struct({ ...Said.fields, id: Schema.optionalKey(Schema.Never) }))
const encodeStored = Schema.encodeSync(Stored)
const decodeEntries = Schema.decodeUnknownEffect(
  Schema.Array(Schema.Tuple([Schema.String, Schema.Tuple([Schema.Literal("message"), Stored])]))
)

const unreachable = (error: { readonly message: string }) => new HistoryUnreachable({ message: error.message })

/** Asks again while Redis is away: everything here may be done twice. */
const patiently = <A>(effect: Effect.Effect<A, Redis.RedisError | Schema.SchemaError>) =>
  effect.pipe(
    Effect.retry({ while: ({ _tag }) => _tag === "RedisError", schedule: Schedule.spaced("100 millis") }),
    Effect.timeoutOrElse({
      duration: patience,
      orElse: () => Effect.fail(new HistoryUnreachable({ message: `Redis has not answered within ${patience}` }))
    }),
    Effect.catchTag(["RedisError", "SchemaError"], (error) => Effect.fail(unreachable(error)))
  )

const make = Effect.gen(function* () {
  const redis = yield* Redis.Redis
  const read = (...command: readonly [string, ...Array<string>]) =>
    Effect.flatMap(redis.send(...command), decodeEntries).pipe(
      Effect.map((entries) => entries.map(([id, [, message]]): Message => ({ ...message, id }))),
      patiently
    )

  return History.of({
    append: Effect.fnUntraced(function* (room, speech) {
      const at = yield* Clock.currentTimeMillis
      const said = { type: "said", ...speech, at } as const
      const appended = redis.eval(append)(room, speech, encodeStored(said))
      const [id, previous] = yield* patiently(Effect.flatMap(appended, decodeAppended))
      return { message: { ...said, id }, previous }
    }),
    since: (room, id) =>
      id === undefined
        ? Effect.map(read("XREVRANGE", streamOf(room), "+", "-", "COUNT", `${forNewcomers}`), (messages) =>
            messages.toReversed()
          )
        : read("XRANGE", streamOf(room), `(${id}`, "+"),
    last: (room) =>
      Effect.map(read("XREVRANGE", streamOf(room), "+", "-", "COUNT", "1"), ([newest]) => newest?.id ?? beginning)
  })
})

/** In Redis. */
export const layerRedis = Layer.effect(History, make)

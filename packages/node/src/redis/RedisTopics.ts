/**
 * Topics of processes on one machine or many, connected by Redis:
 *
 * ```ts
 * const Live = app.pipe(Layer.provide(RedisTopics.layer({ prefix: "chat" })), Layer.provide(NodeRedis.layer({ url })))
 * ```
 *
 * Each process has one connection of its own for all topics. When it is lost, it is opened again, and subscribers are told
 * of a gap; members are known again when it is back. Redis 6 or later is needed, and no Redis Cluster.
 */
import { NodeRedis } from "@effect/platform-node/NodeRedis"
import * as NodeRedisLayer from "@effect/platform-node/NodeRedis"
import { layerLink, type Topics } from "@pagi/core/topics/Topics"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import type { Redis } from "effect/persistence/Redis"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { randomBytes } from "node:crypto"
import * as RedisConnection from "./RedisConnection.ts"
import { prefixPattern } from "./RedisNames.ts"
import * as RedisSession from "./RedisSession.ts"
import { advise, describe, RedisTopicsError } from "./RedisTopicsError.ts"

export { RedisTopicsError } from "./RedisTopicsError.ts"

export interface RedisTopicsOptions {
  /**
   * What the topics of these processes have in common: 1 to 64 letters, digits and `_.-`; "topics" by default. Programs
   * that share a Redis server, and are to have different topics, need different prefixes, in whichever database they are:
   * channels are the same in all of them.
   */
  readonly prefix?: string | undefined
  /**
   * How long subscribing, joining and publishing wait for a Redis that is behind or cannot be reached; 5 seconds by
   * default. A message that could not be sent in this time is not sent, and `publish` fails.
   */
  readonly timeout?: Duration.Input | undefined
}

/**
 * Topics connected by Redis, where `NodeRedis` is connected: with its address, user and password. Fails with a
 * `RedisTopicsError` that says what to do, when Redis cannot be reached or does not allow what topics need.
 */
export const layer = (options: RedisTopicsOptions = {}): Layer.Layer<Topics, RedisTopicsError, NodeRedis> =>
  layerLink((listener) =>
    Effect.gen(function* () {
      const { client } = yield* NodeRedis
      const settings = yield* settingsOf(options)
      return yield* RedisSession.make(
        { ...settings, connect: RedisConnection.duplicate(client), process: newId() },
        listener
      )
    })
  )

/**
 * The same with a connection of its own, where the environment says: `REDIS_URL`, such as
 * redis://user:password@10.0.0.5:6379 or rediss://… for TLS (redis://127.0.0.1:6379 by default), and `REDIS_TOPICS_PREFIX`.
 * Provides `NodeRedis` and `Redis` besides, for what else the program keeps there.
 */
export const layerConfig: Layer.Layer<Topics | NodeRedis | Redis, RedisTopicsError | Config.ConfigError> = Layer.unwrap(
  Effect.gen(function* () {
    const url = yield* Config.Redacted("REDIS_URL").pipe(Config.withDefault(Redacted.make("redis://127.0.0.1:6379")))
    const prefix = yield* Config.String("REDIS_TOPICS_PREFIX").pipe(Config.withDefault(defaultPrefix))
    return Layer.provideMerge(layer({ prefix }), connectTo(Redacted.value(url)))
  })
)

const defaultPrefix = "topics"

/** Sixteen characters that no other process has. */
const newId = (): string => randomBytes(12).toString("base64url")

const settingsOf = ({
  prefix = defaultPrefix,
  timeout = "5 seconds"
}: RedisTopicsOptions): Effect.Effect<{ readonly prefix: string; readonly timeout: number }, RedisTopicsError> => {
  const milliseconds = Duration.toMillis(timeout)
  if (!prefixPattern.test(prefix)) {
    return Effect.fail(
      new RedisTopicsError({
        message: `The prefix of topics in Redis is to be 1 to 64 letters, digits and "_.-", and is ${JSON.stringify(prefix)}.`
      })
    )
  }
  if (!(milliseconds > 0 && milliseconds <= maxTimeout)) {
    return Effect.fail(
      new RedisTopicsError({ message: "The timeout of topics in Redis is to be more than 0 and at most 1 hour." })
    )
  }
  return Effect.succeed({ prefix, timeout: milliseconds })
}

const maxTimeout = 60 * 60 * 1000

/** How long a first connection may take: Redis may have stopped, and take connections without saying anything. */
const connectTimeout = "5 seconds"

/** How long the end of that connection may take. */
const endTimeout = "1 second"

const urlPattern = /^(?:rediss?|unix):/i
const invalidUrl = "REDIS_URL is no URL of Redis, such as redis://user:password@10.0.0.5:6379, or rediss://… for TLS."

const connectTo = (url: string): Layer.Layer<NodeRedis | Redis, RedisTopicsError> =>
  Layer.effectContext(
    Effect.gen(function* () {
      // The client throws where it is none, and takes no other schemes.
      if (!urlPattern.test(url) || (!URL.canParse(url) && !url.startsWith("unix:"))) {
        return yield* Effect.fail(new RedisTopicsError({ message: invalidUrl }))
      }
      const scope = yield* Scope.make()
      const close = Scope.close(scope, Exit.void)
      // What is under way there cannot be interrupted at once: the client waits for answers before it closes.
      const building = yield* Effect.forkDetach(Layer.buildWithScope(NodeRedisLayer.layer({ url }), scope))
      const giveUp = Effect.forkDetach(Effect.andThen(Fiber.interrupt(building), close))
      const context = yield* Fiber.join(building).pipe(
        Effect.timeoutOrElse({
          duration: connectTimeout,
          orElse: () => Effect.fail(new Error(`no answer within ${connectTimeout}`))
        }),
        Effect.onError(() => giveUp),
        Effect.mapError((error) => {
          const cause = "cause" in error ? error.cause : error
          return new RedisTopicsError({
            message: `Redis cannot be reached at ${placeOf(url)}: ${describe(cause)}. ${advise(cause, "pagi:")} REDIS_URL says where it is.`,
            cause
          })
        })
      )
      yield* Effect.addFinalizer(() => endSoon(close, Context.get(context, NodeRedis)))
      return context
    })
  )

/** Closes a client, which waits for all answers that are due: not for long, as a Redis that has stopped gives none. */
const endSoon = Effect.fnUntraced(function* (close: Effect.Effect<void>, { client }: NodeRedis["Service"]) {
  const closing = yield* Effect.forkDetach(close)
  const closed = yield* Effect.timeoutOption(Fiber.await(closing), endTimeout)
  if (Option.isNone(closed)) client.destroy()
  yield* Fiber.await(closing)
})

/** Where a URL leads to, without user and password. */
const placeOf = (url: string): string => {
  const parsed = URL.parse(url)
  return parsed === null ? "the URL given" : `${parsed.protocol}//${parsed.host || parsed.pathname}`
}

/**
 * The connections of a link, one after the other.
 *
 * | connection | becomes                                                                    |
 * | ---------- | -------------------------------------------------------------------------- |
 * | none       | open, or the layer fails                                                   |
 * | open       | lost: it has ended, or Redis has said nothing for too long                 |
 * | lost       | open: tried again, at first soon and then twice a second, until the scope closes |
 *
 * Where connections are lost as soon as they are open, they are tried as rarely as those that do not open.
 */
import type { LinkListener, TopicLink } from "@pagi/core/topics/TopicLink"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import * as PresenceScripts from "./PresenceScripts.ts"
import type { Connect, RedisConnection } from "./RedisConnection.ts"
import { RedisLink, tickInterval } from "./RedisLink.ts"
import { advise, describe, isLasting, RedisTopicsError } from "./RedisTopicsError.ts"

/** Milliseconds before a lost connection is tried again, at first and at most: Redis may be back in a moment. */
const firstDelay = 50
const maxDelay = 500

/** Milliseconds after which a connection that is lost was a good one. */
const steadyTime = 5000

/** Milliseconds that saying goodbye may take. */
const endTimeout = 1000

export interface RedisSessionOptions {
  readonly connect: Connect
  readonly prefix: string
  readonly process: string
  /** Milliseconds that a connection may take, and what is done by it. */
  readonly timeout: number
}

/** A connection, and what completes with the reason when it is lost. */
interface Session {
  readonly connection: RedisConnection
  readonly lost: Deferred.Deferred<unknown>
}

/** Connects, and keeps connected until the scope closes. */
export const make = Effect.fnUntraced(function* (
  options: RedisSessionOptions,
  listener: LinkListener
): Effect.fn.Return<TopicLink, RedisTopicsError, Scope.Scope> {
  const scope = yield* Effect.scope
  const runFork = Effect.runForkWith(yield* Effect.context<never>())
  const link = new RedisLink({
    ...options,
    listener,
    run: (effect, onEnd) => {
      runFork(Effect.forkIn(Effect.andThen(effect, Effect.sync(onEnd)), scope))
    },
    warn: (text) => {
      runFork(Effect.logWarning(text))
    }
  })
  const open = yield* Effect.acquireRelease(
    Effect.map(openFirst(options, link), (session) => ({ session })),
    ({ session }) => Effect.sync(() => close(link, session)),
    { interruptible: true }
  )
  yield* check(options, link, open.session)
  yield* Effect.addFinalizer(() => sayGone(link))
  link.connected(open.session.connection)
  yield* Effect.forkScoped(
    Effect.gen(function* () {
      const pause = { delay: firstDelay }
      let openSince = yield* Clock.currentTimeMillis
      while (true) {
        const reason = yield* Deferred.await(open.session.lost)
        yield* Effect.logWarning(`Redis is not connected any more: ${describe(reason)}`)
        const since = yield* Clock.currentTimeMillis
        if (since - openSince >= steadyTime) pause.delay = firstDelay
        open.session = yield* openAgain(options, link, pause)
        openSince = yield* Clock.currentTimeMillis
        const seconds = (openSince - since) / 1000
        yield* Effect.logInfo(`Redis is connected again, after ${seconds.toFixed(1)} s`)
      }
    })
  )
  yield* Effect.forkScoped(
    Effect.gen(function* () {
      while (true) {
        yield* Effect.sleep(tickInterval)
        if (!link.tick()) continue
        const { session } = open
        close(link, session)
        Deferred.doneUnsafe(session.lost, Effect.succeed(new Error("it says nothing any more")))
      }
    })
  )
  return link.link
})

const sayGone = (link: RedisLink): Effect.Effect<void> =>
  Effect.promise(() => link.end()).pipe(Effect.timeoutOption(endTimeout), Effect.ignoreCause)

const close = (link: RedisLink, { connection }: Session): void => {
  link.disconnected()
  connection.close()
}

/** Opens a connection within a bounded time. */
const openOnce = ({ connect, timeout }: RedisSessionOptions, link: RedisLink): Effect.Effect<Session, unknown> =>
  Effect.suspend(() => {
    const lost = Deferred.makeUnsafe<unknown>()
    const connected = connect({
      onMessage: (channel, text) => link.onMessage(channel, text),
      onLost: (error) => {
        // At once: what is published from now on has to wait for the next connection.
        link.disconnected()
        Deferred.doneUnsafe(lost, Effect.succeed(error))
      }
    })
    return Effect.map(within(timeout, connected), (connection) => ({ connection, lost }))
  })

/** What Redis answers, unless that takes too long. */
const within = <A>(timeout: number, answer: Effect.Effect<A, unknown>): Effect.Effect<A, unknown> =>
  Effect.timeoutOrElse(answer, {
    duration: timeout,
    orElse: () => Effect.fail(new Error(`no answer within ${timeout / 1000} s`))
  })

const openFirst = (options: RedisSessionOptions, link: RedisLink): Effect.Effect<Session, RedisTopicsError> =>
  Effect.mapError(
    openOnce(options, link),
    (error) =>
      new RedisTopicsError({
        message: `Redis cannot be reached: ${describe(error)}. ${advise(error, link.names.root)}`,
        cause: error
      })
  )

/** Opens a connection as soon as that can be, and goes on with it. */
const openAgain = Effect.fnUntraced(function* (
  options: RedisSessionOptions,
  link: RedisLink,
  pause: { delay: number }
) {
  let told = ""
  while (true) {
    yield* Effect.sleep(pause.delay * (0.5 + (yield* Random.next) / 2))
    pause.delay = Math.min(pause.delay * 2, maxDelay)
    const result = yield* Effect.result(openOnce(options, link))
    if (result._tag === "Success") {
      // It may be lost again already.
      if (!Deferred.isDoneUnsafe(result.success.lost)) link.connected(result.success.connection)
      return result.success
    }
    const problem = describe(result.failure)
    if (problem !== told) yield* Effect.logWarning(`Redis cannot be reached: ${problem}`)
    told = problem
  }
})

/** Whether the user of this connection may do what topics need at least: better now than with the first message. */
const check = (options: RedisSessionOptions, link: RedisLink, { connection, lost }: Session) => {
  const { all } = link.names
  const ask = async (): Promise<void> => {
    // This process is new, so that the third does nothing; but nodes of a cluster and replicas refuse it.
    const isForgotten = connection.send(PresenceScripts.forgetOwn(link.names, options.process))
    await Promise.all([
      connection.subscribe([all]),
      connection.send(["PUBLISH", all, ""]),
      isForgotten.catch((error: unknown) => {
        if (isLasting(error)) throw error
      })
    ])
  }
  const asked = Effect.tryPromise({
    try: ask,
    catch: (error) => error
  })
  const isLost = Effect.flatMap(Deferred.await(lost), (error) => Effect.fail(error))
  return Effect.mapError(
    within(options.timeout, Effect.raceFirst(asked, isLost)),
    (error) => new RedisTopicsError({ message: link.refused("what topics need", error).message, cause: error })
  )
}

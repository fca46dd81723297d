/**
 * A room as one process sees it: tells those who are here what is said anywhere, in the order of the history.
 *
 * The topic brings messages at once, but two servers may publish in another order than that in which they have written,
 * and what was published while Redis was away has not come at all. So each message names the one before it. As long as
 * that is the last that was told here, the message is told; otherwise the history has what lies between.
 */
import * as Topics from "@pagi/core/Topics"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import type { TopicError } from "@pagi/core/Topics"
import type { Speech } from "../10-chat/Rooms.ts"
import { beginning, History, type HistoryUnreachable, isAfter, isId, type Message } from "./History.ts"
import { encode, type Told, topicOf } from "./Messages.ts"

/** Messages that may wait for one member. */
const queueCapacity = 256

/** Somebody who is in a room, by a connection to this process. */
export interface Member {
  /** The next message that this member has to be told: first what was missed, then what is said, and nothing twice. */
  readonly next: Effect.Effect<string>
  /** Open once something was lost because too much has waited. */
  readonly overflow: Latch.Latch
}

export type RoomError = HistoryUnreachable | TopicError

export interface Room {
  /** Comes in, until the scope closes. Who knows the messages up to one gets all that were said since. */
  readonly join: (name: string, after: string | undefined) => Effect.Effect<Member, RoomError, Scope.Scope>
  /** Writes down what somebody says, and tells everyone in all processes; both or none, also if it is interrupted. */
  readonly say: (speech: Speech) => Effect.Effect<void, RoomError>
  /** The names of those who are there, at once and whenever they change. */
  readonly present: Stream.Stream<ReadonlyArray<string>>
}

interface Listener {
  readonly messages: Queue.Queue<{ readonly id: string; readonly text: string }>
  readonly overflow: Latch.Latch
}

const makeListener: Effect.Effect<Listener> = Effect.all({
  messages: Queue.dropping<{ readonly id: string; readonly text: string }>(queueCapacity),
  overflow: Latch.make()
})

const makeMember = (
  { messages, overflow }: Listener,
  missed: ReadonlyArray<Message>,
  after: string | undefined
): Member => {
  const known = missed.at(-1)?.id ?? after ?? beginning
  const remaining = missed.values()
  // What has come since this member listens may be in the history too.
  const live: Effect.Effect<string> = Effect.flatMap(Queue.take(messages), ({ id, text }) =>
    isAfter(id, known) ? Effect.succeed(text) : live
  )
  const next = Effect.suspend(() => {
    const { done, value } = remaining.next()
    return done === true ? live : Effect.succeed(encode(value))
  })
  return { next, overflow }
}

/** What is told here, to whom, and what was told last. */
const makeTelling = Effect.fnUntraced(function* (name: string) {
  const history = yield* History
  const listeners = new Set<Listener>()
  const lock = yield* Semaphore.make(1)
  let last = beginning

  const tell = (message: Message) => {
    last = message.id
    // Encoded once for everyone here.
    const text = encode(message)
    for (const { messages, overflow } of listeners) {
      if (!Queue.offerUnsafe(messages, { id: message.id, text })) overflow.openUnsafe()
    }
  }
  const readOn = Effect.suspend(() => history.since(name, last)).pipe(
    Effect.map((missed) => missed.forEach(tell)),
    Effect.retry(Schedule.spaced("1 second")),
    Effect.orDie
  )
  return {
    listen: Effect.acquireRelease(
      Effect.tap(makeListener, (listener) => Effect.sync(() => listeners.add(listener))),
      (listener) => Effect.sync(() => listeners.delete(listener))
    ),
    /** Goes on from here. */
    begin: Effect.map(history.last(name), (id) => {
      last = id
    }),
    /** Tells what was missed, if anything. */
    catchUp: lock.withPermits(1)(readOn),
    onTold: ({ message, previous }: Told) =>
      lock.withPermits(1)(
        Effect.suspend(() => {
          if (!isAfter(message.id, last)) return Effect.void
          return previous === last ? Effect.sync(() => tell(message)) : readOn
        })
      )
  }
})

/** Opens a room in this process, until the scope closes. */
export const openRoom = Effect.fnUntraced(function* (name: string) {
  const history = yield* History
  const topics = yield* Topics.Topics
  const topic = topicOf(name)
  const telling = yield* makeTelling(name)

  // First the topic and then the history, so that nothing lies between.
  const events = yield* Topics.subscribeEvents(topic, { capacity: 1024 })
  yield* telling.begin
  yield* events.pipe(
    Stream.runForEach((event) => (event.type === "message" ? telling.onTold(event.value) : telling.catchUp)),
    Effect.forkScoped
  )

  const names = yield* SubscriptionRef.make<ReadonlyArray<string>>([])
  const members = new Map<string, string>()
  const isKnown = yield* Latch.make()
  const watching = yield* Topics.presence(topic).pipe(
    Stream.runForEach((change) => {
      if (change.type === "present") {
        members.clear()
        for (const { id, value } of change.members) members.set(id, value.name)
      } else if (change.type === "joined") members.set(change.member.id, change.member.value.name)
      else members.delete(change.member.id)
      const list = [...new Set(members.values())].toSorted((one, other) => one.localeCompare(other))
      const update = Effect.andThen(SubscriptionRef.set(names, list), isKnown.open)
      // Who is lost with a process may have been heard there and nowhere else.
      const isLost = change.type === "left" && change.reason === "lost"
      return isLost ? Effect.andThen(update, telling.catchUp) : update
    }),
    Effect.forkScoped
  )
  yield* Effect.raceFirst(isKnown.await, Fiber.join(watching))

  const room: Room = {
    join: Effect.fnUntraced(
      function* (memberName, after) {
        const known = after !== undefined && isId(after) ? after : undefined
        const listener = yield* telling.listen
        yield* Topics.join(topic, { name: memberName })
        return makeMember(listener, yield* history.since(name, known), known)
      },
      Effect.provideService(Topics.Topics, topics)
    ),
    say: (speech) =>
      history.append(name, speech).pipe(
        Effect.flatMap((told) => Topics.publish(topic, told)),
        Effect.provideService(Topics.Topics, topics),
        Effect.uninterruptible
      ),
    // Who is behind needs the newest list and no other.
    present: SubscriptionRef.changes(names).pipe(Stream.changes, Stream.buffer({ capacity: 1, strategy: "sliding" }))
  }
  return room
})

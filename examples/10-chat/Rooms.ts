/** Who is in which room, and what has been said there. It knows nothing of connections. */
import type * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Queue from "effect/Queue"
import * as RcMap from "effect/RcMap"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import { encode } from "./Messages.ts"

/** Messages that may wait for one member. */
const queueCapacity = 256

/** Messages that a room repeats for those who come later. */
const memory = 50

const maxRooms = 1000

/** Somebody who is in a room. */
export interface Member {
  readonly name: string
  /** What this member has still to be told. Each member has a queue of its own, so that nobody waits for another. */
  readonly messages: Queue.Queue<string>
  /** Open once something was lost because the queue was full. */
  readonly overflow: Latch.Latch
}

/** What somebody says. */
export interface Speech {
  readonly from: string
  readonly text: string
  /** Says whether it has come before. */
  readonly key?: string
}

export interface Room {
  /**
   * Comes in, until the scope closes. The same name may be there twice: in two windows, or before a lost one is missed.
   * Who knows the messages up to one is not told these again.
   */
  readonly join: (name: string, after: string | undefined) => Effect.Effect<Member, never, Scope.Scope>
  /** Tells everyone, unless it was told already. */
  readonly say: (speech: Speech) => Effect.Effect<void>
  /** The names of those who are there, at once and whenever they change. */
  readonly present: Stream.Stream<ReadonlyArray<string>>
}

const makeRoom = Effect.gen(function* () {
  const members = new Set<Member>()
  const history: Array<{ readonly id: string; readonly key: string | undefined; readonly text: string }> = []
  const opened = yield* Clock.currentTimeMillis
  let count = 0

  const names = yield* SubscriptionRef.make<ReadonlyArray<string>>([])
  const updateNames = SubscriptionRef.update(names, () =>
    [...new Set(Array.from(members, ({ name }) => name))].toSorted((one, other) => one.localeCompare(other))
  )

  const enter = Effect.fnUntraced(function* (name: string, after: string | undefined) {
    const member: Member = {
      name,
      messages: yield* Queue.dropping<string>(queueCapacity),
      overflow: yield* Latch.make()
    }
    yield* Effect.sync(() => {
      // All of them where the last one is not known any more.
      const known = history.findIndex(({ id }) => id === after) + 1
      for (const { text } of history.slice(known)) Queue.offerUnsafe(member.messages, text)
      members.add(member)
    })
    yield* updateNames
    return member
  })
  const leave = (member: Member) =>
    Effect.andThen(
      Effect.sync(() => members.delete(member)),
      updateNames
    )

  const room: Room = {
    join: (name, after) => Effect.acquireRelease(enter(name, after), leave),
    say: (speech) =>
      Effect.map(Clock.currentTimeMillis, (at) => {
        const { key } = speech
        if (key !== undefined && history.some((message) => message.key === key)) return
        const id = `${opened}-${++count}`
        // Encoded once for everyone, and in every queue before anything else happens: all hear the same, in the same order.
        const message = encode({ type: "said", id, ...speech, at })
        if (history.push({ id, key, text: message }) > memory) history.shift()
        for (const { messages, overflow } of members) {
          if (!Queue.offerUnsafe(messages, message)) overflow.openUnsafe()
        }
      }),
    // Who is behind needs the newest list and no other.
    present: SubscriptionRef.changes(names).pipe(Stream.changes, Stream.buffer({ capacity: 1, strategy: "sliding" }))
  }
  return room
})

/** All rooms of the chat. */
export class Rooms {
  readonly #rooms: RcMap.RcMap<string, Room, Cause.ExceededCapacityError>

  private constructor(rooms: RcMap.RcMap<string, Room, Cause.ExceededCapacityError>) {
    this.#rooms = rooms
  }

  /** They are closed with the scope. */
  static readonly open: Effect.Effect<Rooms, never, Scope.Scope> = Effect.map(
    // A room is made when somebody asks for it, and forgotten some time after the last has left.
    RcMap.make({ lookup: (_name: string) => makeRoom, idleTimeToLive: "10 minutes", capacity: maxRooms }),
    (rooms) => new Rooms(rooms)
  )

  /** The room with this name, which stays as long as the scope is open. Fails when there are too many. */
  get(name: string): Effect.Effect<Room, Cause.ExceededCapacityError, Scope.Scope> {
    return RcMap.get(this.#rooms, name)
  }
}

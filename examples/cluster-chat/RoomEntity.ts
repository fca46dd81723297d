/**
 * The history of each room as an entity of a cluster: wherever somebody asks for it, one process has it, and has it in
 * memory. So what was said is read without Redis, which only remembers it for the next process that takes the room over.
 */
import * as Effect from "effect/Effect"
import * as Entity from "effect/cluster/Entity"
import * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { Key, Said } from "../10-chat/Messages.ts"
import {
  beginning,
  forNewcomers,
  History,
  HistoryUnreachable,
  isAfter,
  memory,
  type Message,
  patience
} from "./History.ts"
import { Told } from "./Messages.ts"

/** Writes down what somebody says, and tells it nobody. */
const Append = Rpc.make("Append", {
  payload: { from: Schema.String, text: Schema.String, key: Schema.optionalKey(Key) },
  success: Told,
  error: HistoryUnreachable
})

/** The messages after one, or so many of the newest. */
const Since = Rpc.make("Since", {
  payload: { after: Schema.optionalKey(Schema.String), newest: Schema.optionalKey(Schema.Int) },
  success: Schema.Array(Said),
  error: HistoryUnreachable
})

/** A room, by its name. */
const Room = Entity.make("Room", [Append, Since])

/** How long a room stays in memory in which nothing happens. */
const maxIdleTime = "5 minutes"

/** What the process does that has a room. Requests for one room come to it one after the other. */
const handlers = Effect.gen(function* () {
  const history = yield* History
  const { entityId: room } = yield* Entity.CurrentAddress
  let messages: ReadonlyArray<Message> | undefined
  const load = Effect.suspend(() =>
    messages === undefined ? Effect.tap(history.since(room, beginning), keep) : Effect.succeed(messages)
  )
  const keep = (all: ReadonlyArray<Message>) =>
    Effect.sync(() => {
      messages = all.slice(-memory)
    })
  return Room.of({
    Append: Effect.fnUntraced(function* ({ payload }) {
      const before = yield* load
      const last = before.at(-1)?.id ?? beginning
      const told = yield* history.append(room, payload)
      // One that was written before is known already. If another process has written, all is to be read again.
      if (told.previous === last) yield* keep([...before, told.message])
      else if (isAfter(told.message.id, last)) messages = undefined
      return told
    }),
    Since: ({ payload: { after = beginning, newest = memory } }) =>
      Effect.map(load, (all) => all.filter(({ id }) => isAfter(id, after)).slice(-newest))
  })
})

/** Has this process take rooms. Needs what remembers them. */
export const layer = Room.toLayer(handlers, { maxIdleTime })

/** A room on its way from one process to another is there again in a moment, and everything here may be asked twice. */
const patiently = <A, E extends { readonly _tag: string }>(effect: Effect.Effect<A, E>) =>
  effect.pipe(
    Effect.retry({ while: ({ _tag }) => _tag !== "HistoryUnreachable", schedule: Schedule.spaced("100 millis") }),
    Effect.timeout(patience),
    Effect.mapError((error) => new HistoryUnreachable({ message: `the room does not answer: ${error._tag}` }))
  )

const make = Effect.gen(function* () {
  const roomOf = yield* Room.client
  return History.of({
    append: (room, speech) => patiently(roomOf(room).Append(speech)),
    since: (room, id) => patiently(roomOf(room).Since(id === undefined ? { newest: forNewcomers } : { after: id })),
    last: (room) => Effect.map(patiently(roomOf(room).Since({ newest: 1 })), ([newest]) => newest?.id ?? beginning)
  })
})

/** Asks the process that has the room, wherever it is. */
export const layerHistory = Layer.effect(History, make)

/** The rooms that somebody is in by a connection to this process. */
import type { Topics } from "@pagi/core/Topics"
import type * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as RcMap from "effect/RcMap"
import type * as Scope from "effect/Scope"
import type { History } from "./History.ts"
import { openRoom, type Room, type RoomError } from "./Room.ts"

const maxRooms = 1000

export class Rooms extends Context.Service<
  Rooms,
  {
    /** The room with this name, which stays open as long as the scope. Fails when there are too many. */
    readonly get: (name: string) => Effect.Effect<Room, RoomError | Cause.ExceededCapacityError, Scope.Scope>
  }
>()("examples/cluster-chat/Rooms") {}

export const layer: Layer.Layer<Rooms, never, Topics | History> = Layer.effect(
  Rooms,
  Effect.map(
    // A room is open while somebody is in it or looks into it, and a bit longer for those who come back at once.
    RcMap.make({ lookup: openRoom, idleTimeToLive: "10 seconds", capacity: maxRooms }),
    (rooms) => Rooms.of({ get: (name) => RcMap.get(rooms, name) })
  )
)

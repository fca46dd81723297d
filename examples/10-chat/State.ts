/**
 * What lives as long as the server: the rooms. They are in `scope.state` of everything that the server serves.
 *
 * Only the lifespan puts them there: with `--lifespan off` there are none, and who asks for a room gets a 500.
 */
import type { LifespanHandler } from "@pagi/core/PagiApp"
import type { State } from "@pagi/core/Scope"
import type { SendError } from "@pagi/core/SendError"
import * as Effect from "effect/Effect"
import { Rooms } from "./Rooms.ts"

/** Opens the rooms before the server listens, and closes them after the last connection has ended. */
export const keepRooms: LifespanHandler<SendError> = Effect.fnUntraced(function* (scope, receive, send) {
  yield* receive // lifespan.startup
  yield* Effect.scoped(
    Effect.gen(function* () {
      scope.state["rooms"] = yield* Rooms.open
      yield* send({ type: "lifespan.startup.complete" })
      yield* receive // lifespan.shutdown
    })
  )
  yield* send({ type: "lifespan.shutdown.complete" })
})

export const roomsOf = ({ rooms }: State): Effect.Effect<Rooms> =>
  rooms instanceof Rooms ? Effect.succeed(rooms) : Effect.die("run me with --lifespan on")

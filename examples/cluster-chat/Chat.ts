/** The chat as an application: its page is that of `10-chat`, and its rooms are where the layers say. */
import { Directory } from "@pagi/cli"
import * as PagiApp from "@pagi/core/PagiApp"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { join } from "node:path"
import { converse } from "./Conversation.ts"
import { watch } from "./Presence.ts"
import * as Rooms from "./Rooms.ts"

const chat = PagiApp.make({ sse: watch, websocket: converse })

const application = Effect.map(
  Directory.make(join(import.meta.dirname, "../10-chat/public")),
  (files): PagiApp.Application<Directory.Failure | Effect.Error<ReturnType<typeof chat>>, Rooms.Rooms> =>
    (scope, receive, send) =>
      (scope.type === "http" ? files : chat)(scope, receive, send)
)

/** Needs what connects the processes, and what remembers what was said. */
export const layer = PagiApp.layerEffect(application).pipe(Layer.provide(Rooms.layer))

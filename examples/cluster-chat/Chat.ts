/** The chat as an application: its page is that of `10-chat`, and its rooms are where the layers say. */
import { Directory } from "@pagi/cli"
import * as PagiApp from "@pagi/core/PagiApp"
import type { SendError } from "@pagi/core/SendError"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { join } from "node:path"
import { makeConverse } from "./Conversation.ts"
import { watch } from "./Presence.ts"
import * as Rooms from "./Rooms.ts"

const application = Effect.gen(function* () {
  const files = yield* Directory.make(join(import.meta.dirname, "../10-chat/public"))
  const chat = PagiApp.make({ sse: watch, websocket: yield* makeConverse })
  const application: PagiApp.Application<Directory.Failure | SendError, Rooms.Rooms> = (scope, receive, send) =>
    (scope.type === "http" ? files : chat)(scope, receive, send)
  return application
})

/** Needs what connects the processes, and what remembers what was said. */
export const layer = PagiApp.layerEffect(application).pipe(Layer.provide(Rooms.layer))

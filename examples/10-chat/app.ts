/**
 * A chat: whoever is in a room hears what is said there, over a WebSocket, and sees who else is there, by server-sent
 * events. The page for browsers is in `public`.
 *
 *     npx pagi-server examples/10-chat/app.ts
 *     open http://127.0.0.1:5000/ in a few browser windows, or
 *     npx wscat -c 'ws://127.0.0.1:5000/rooms/lobby?name=Ada'        and say {"type":"say","text":"Hello"}
 *     curl -N -H 'Accept: text/event-stream' http://127.0.0.1:5000/rooms/lobby/members
 *
 * Stop it with Ctrl-C and start it again: the pages notice both, and go on. It needs the lifespan, which is there unless
 * the server is started with `--lifespan off`.
 *
 * - `Address.ts`: what the addresses say
 * - `Messages.ts`: what goes over a WebSocket
 * - `Rooms.ts`: who is in which room, and what was said there
 * - `State.ts`: keeps the rooms as long as the server runs
 * - `Talk.ts`: what goes on between a member and a room
 * - `Conversation.ts`: the WebSocket of a member
 * - `Presence.ts`: the event stream about those who are there
 */
import { Directory } from "@pagi/cli"
import * as PagiApp from "@pagi/core/PagiApp"
import * as Effect from "effect/Effect"
import { join } from "node:path"
import { converse } from "./Conversation.ts"
import { watch } from "./Presence.ts"
import { keepRooms } from "./State.ts"

const chat = PagiApp.make({ sse: watch, websocket: converse, lifespan: keepRooms })

/** An application is a function, which may leave to others what it does not do itself. */
const make =
  (files: PagiApp.Application<Directory.Failure>): PagiApp.Application<Directory.Failure> =>
  (scope, receive, send) =>
    (scope.type === "http" ? files : chat)(scope, receive, send)

export default Effect.map(Directory.make(join(import.meta.dirname, "public")), make)

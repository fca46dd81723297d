/** Where `pagi-server top` has its figures from: the admin listener of a server, or its control socket, which tells less. */
import type { Endpoint } from "@pagi/core/options/Endpoint"
import * as ControlSocket from "@pagi/node/supervisor/ControlSocket"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as StatusCommand from "../status/StatusCommand.ts"
import * as AdminAddress from "../adminClient/AdminAddress.ts"
import * as AdminClient from "../adminClient/AdminClient.ts"
import { Points, Recent, Status } from "../adminClient/AdminDocuments.ts"
import type { TopModel } from "./TopModel.ts"

/** Where the figures of a server are. */
export type TopSource =
  | { readonly _tag: "Admin"; readonly endpoint: Endpoint }
  /** `note` says what is missing. */
  | { readonly _tag: "Control"; readonly path: string; readonly note: string }

const withoutAdmin =
  "Statuses, latency, bytes and single requests are told by the admin listener: start the server with --admin."

const answers = (endpoint: Endpoint): Effect.Effect<boolean> =>
  Effect.match(AdminClient.read(endpoint, "/status", Status), { onSuccess: () => true, onFailure: () => false })

/** The admin listener of a server, if it has one that can be reached. */
const sourceOf = ({ place, status }: StatusCommand.Answer): Effect.Effect<TopSource> =>
  Effect.gen(function* () {
    if (place._tag === "Admin") return place
    const { path } = place
    // Servers of earlier versions tell the option only, which for port 0 is not the address.
    const text = status.adminUrl ?? status.options["admin"]
    const endpoint = text === undefined ? undefined : AdminAddress.parse(text)
    if (endpoint === undefined) return { _tag: "Control", path, note: withoutAdmin }
    if (yield* answers(endpoint)) return { _tag: "Admin", endpoint }
    const note = `The admin listener at ${text} cannot be reached from here; there would be more to see.`
    return { _tag: "Control", path, note }
  })

/** The server that is meant: by its process, its control socket, or its admin listener. */
export const find = (
  target: string | undefined
): Effect.Effect<TopSource, Effect.Error<ReturnType<typeof StatusCommand.find>>> =>
  Effect.flatMap(StatusCommand.find(target, "top"), sourceOf)

/** Milliseconds between two looks. */
const interval = 1000

const followAdmin = (endpoint: Endpoint, model: TopModel): Effect.Effect<never, AdminClient.AdminError> =>
  Effect.gen(function* () {
    const look = Effect.gen(function* () {
      model.see(yield* AdminClient.read(endpoint, "/status", Status), yield* Clock.currentTimeMillis)
      model.recent = yield* AdminClient.read(endpoint, "/recent", Recent)
      yield* Effect.sleep(interval)
    })
    model.note = undefined
    model.load(yield* AdminClient.read(endpoint, "/history", Points))
    const follow = AdminClient.follow(endpoint, (point) => model.add(point))
    return yield* Effect.raceAllFirst([follow, Effect.forever(look)])
  })

const followControl = (path: string, note: string, model: TopModel): Effect.Effect<never, ControlSocket.StatusError> =>
  Effect.gen(function* () {
    model.note = note
    const look = Effect.gen(function* () {
      model.see(yield* ControlSocket.fetchStatus(path), yield* Clock.currentTimeMillis)
      yield* Effect.sleep(interval)
    })
    return yield* Effect.forever(look)
  })

const follow = (
  source: TopSource,
  model: TopModel
): Effect.Effect<never, AdminClient.AdminError | ControlSocket.StatusError> =>
  source._tag === "Admin" ? followAdmin(source.endpoint, model) : followControl(source.path, source.note, model)

/** Keeps what is known of a server up to date, for as long as it takes: also when that ends and another one follows. */
export const watch = (first: TopSource, target: string | undefined, model: TopModel): Effect.Effect<never> =>
  Effect.gen(function* () {
    let source = first
    while (true) {
      const problem = yield* Effect.flip(follow(source, model))
      model.problem = problem.message
      yield* Effect.sleep(interval)
      source = yield* Effect.orElseSucceed(find(target), () => source)
    }
  })

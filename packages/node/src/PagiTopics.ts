/**
 * Topics that all workers of a server share:
 *
 * ```ts
 * export default Layer.provide(chat, PagiTopics.layer)
 * ```
 *
 * What is published in one worker reaches the subscribers in all of them, over Unix sockets in a folder that only their
 * user can enter, and no other process has a part in it. Without workers, or where no server runs the program, it is the
 * same as `Topics.layer`, in memory.
 */
import * as Topics from "@pagi/core/Topics"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { PoolFolderError } from "./process/ClaimedFolder.ts"
import { Pool } from "./process/Pool.ts"

export { PoolFolderError } from "./process/ClaimedFolder.ts"

/**
 * Topics of all workers where there are workers, and of this process otherwise. Fails where workers have no folder in which
 * they could reach each other; the message says how they get one.
 */
export const layer: Layer.Layer<Topics.Topics, PoolFolderError> = Layer.unwrap(
  Effect.gen(function* () {
    const pool = yield* Pool
    if (pool === undefined) return Topics.layer
    // Programs without workers need not load it.
    const { make } = yield* Effect.promise(() => import("./mesh/MeshLink.ts"))
    return Topics.layerLink(make(pool.folder))
  })
)

import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { resident } from "./Memory.ts"
import { bodyOf, fetchText } from "./Peer.ts"
import type { Server } from "./Programs.ts"

const Stats = Schema.fromJsonString(
  Schema.Struct({
    streams: Schema.Int,
    begun: Schema.Int,
    maximum: Schema.Int,
    pieces: Schema.Int,
    waiting: Schema.Int,
    reading: Schema.Int
  })
)

/** What the application of `fixtures/app.ts` says about itself. */
export const statsOf = (port: number) =>
  Effect.flatMap(fetchText(port, "/stats"), (response) => Schema.decodeEffect(Stats)(bodyOf(response)))

const Usage = Schema.fromJsonString(Schema.Struct({ heapUsed: Schema.Int, external: Schema.Int }))

/** Bytes of memory of a server with this application, when what is not in use any more has been freed. */
export interface Held {
  /** What the process occupies; the allocator keeps some of what was freed. */
  readonly resident: number
  /** Objects and buffers in use. */
  readonly used: number
}

/** Twice, since buffers are freed only after the objects that they belong to. */
export const held = ({ pid, port }: Server) =>
  Effect.gen(function* () {
    yield* fetchText(port, "/collect")
    const { external, heapUsed } = yield* Schema.decodeEffect(Usage)(bodyOf(yield* fetchText(port, "/collect")))
    const held: Held = { resident: yield* resident(pid), used: heapUsed + external }
    return held
  })

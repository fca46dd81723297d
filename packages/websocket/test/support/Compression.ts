import { type ByteString, fromBytes, toBytes } from "@pagi/core/bytes/ByteString"
import type { Input } from "@pagi/core/ServerOptions"
import * as Effect from "effect/Effect"
import { squeeze } from "./FakePlatform.ts"
import { utf8 } from "./Frames.ts"
import { makePuppetHarness, openSession } from "./Puppets.ts"
import { type ConnectOptions, offersCompression } from "./SessionHarness.ts"

/** The payload of a message that was "compressed". */
export const squeezed = (content: string): ByteString => {
  const bytes = squeeze(toBytes(utf8(content)))
  return fromBytes(bytes, 0, bytes.length)
}

/** A message that is long enough to be compressed. */
export const big = (letter: string): string => letter.repeat(2000)

/** How the peer gets such a message. */
export const bigArrived = (letter: string): string => `compressed text ${squeezed(big(letter))}`

/** An open session with compression. */
export const openCompressed = (options: Input = {}, connectOptions: ConnectOptions = {}) =>
  Effect.gen(function* () {
    const harness = yield* makePuppetHarness({ perMessageDeflate: true, ...options })
    const session = yield* openSession(harness, { ...offersCompression, ...connectOptions })
    const [compression] = harness.platform.compressions
    if (compression === undefined) return yield* Effect.die(new Error("compression was not agreed on"))
    return { harness, session, ...session, compression }
  })

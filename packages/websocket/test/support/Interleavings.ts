import { type ByteString, fromBytes, toBytes } from "@pagi/core/bytes/ByteString"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { squeeze } from "./FakePlatform.ts"
import { close, fragments, ping, pong, text } from "./Frames.ts"
import { integer, oneOf } from "./Generators.ts"
import { makePuppetHarness, openSession } from "./Puppets.ts"
import { offersCompression, turn } from "./SessionHarness.ts"

/** What one of those around a session can do. */
type Step =
  | "peer: text"
  | "peer: burst"
  | "peer: compressed"
  | "peer: fragments"
  | "peer: half of it"
  | "peer: ping"
  | "peer: pong"
  | "peer: close"
  | "peer: garbage"
  | "peer: read"
  | "peer: end"
  | "peer: reset"
  | "app: listen"
  | "app: text"
  | "app: long text"
  | "app: close"
  | "app: keepalive"
  | "app: return"
  | "app: fail"
  | "server: drain"
  | "server: abort"
  | "compressed"
  | "decompressed"
  | "time"
  | "turn"

/** How often each of them happens. */
const weights: Readonly<Record<Step, number>> = {
  "peer: text": 4,
  "peer: burst": 1,
  "peer: compressed": 2,
  "peer: fragments": 1,
  "peer: half of it": 1,
  "peer: ping": 2,
  "peer: pong": 1,
  "peer: close": 1,
  "peer: garbage": 1,
  "peer: read": 4,
  "peer: end": 1,
  "peer: reset": 1,
  "app: listen": 3,
  "app: text": 3,
  "app: long text": 3,
  "app: close": 1,
  "app: keepalive": 1,
  "app: return": 1,
  "app: fail": 1,
  "server: drain": 1,
  "server: abort": 1,
  compressed: 3,
  decompressed: 3,
  time: 3,
  turn: 3
}

const step = oneOf(
  ...Object.entries(weights).flatMap(([step, weight]) => Array.from({ length: weight }, () => step as Step))
)

export interface Interleaving {
  readonly steps: ReadonlyArray<readonly [step: Step, amount: number]>
  readonly capacity: number
  readonly compresses: boolean
}

export const interleaving: Arbitrary.Arbitrary<Interleaving> = Arbitrary.all({
  steps: Arbitrary.array(Arbitrary.all([step, integer(0, 3000)]), { maxLength: 40 }),
  capacity: oneOf(50, 500, Number.MAX_SAFE_INTEGER),
  compresses: oneOf(true, false)
})

/** Lets it happen, and gives what was sent and received on both sides. */
export const play = ({ capacity, compresses, steps }: Interleaving) =>
  Effect.gen(function* () {
    const harness = yield* makePuppetHarness({
      perMessageDeflate: true,
      maxReceiveQueue: 6,
      writeHighWatermark: 2000,
      writeLowWatermark: 500,
      writeTimeout: "9 seconds",
      wsIdleTimeout: "8 seconds",
      disconnectGrace: "2 seconds"
    })
    const session = yield* openSession(harness, { capacity, ...(compresses ? offersCompression : {}) })
    const { app, peer, transport } = session
    const [compression] = harness.platform.compressions
    const progress = { sent: [] as Array<string>, received: [] as Array<string>, output: "", isListening: false }
    /** What is still missing of a frame. */
    let rest = ""
    const write = (frame: ByteString): void => {
      peer.write(rest + frame)
      rest = ""
    }
    const tell = (content: string, frame: ByteString): void => {
      progress.received.push(`text ${content}`)
      write(frame)
    }
    const send = (content: string) => {
      progress.sent.push(content)
      return app.text(content)
    }
    let count = 0
    const perform = (step: Step, amount: number): Effect.Effect<unknown, unknown> | undefined => {
      const content = `${count++}`
      switch (step) {
        case "peer: text":
          return void tell(content, text(content))
        case "peer: burst": {
          const contents = Array.from({ length: amount % 9 }, (_, index) => `${content}.${index}`)
          progress.received.push(...contents.map((part) => `text ${part}`))
          return void write(contents.map((part) => text(part)).join(""))
        }
        case "peer: compressed": {
          const payload = squeeze(toBytes(content))
          // The bit is an error when no compression was agreed on.
          return void tell(content, text(fromBytes(payload, 0, payload.length), { reserved: 4 }))
        }
        case "peer: fragments":
          return void tell(content, fragments(1, [content.slice(0, 1), content.slice(1)]).join(ping("between")))
        case "peer: half of it": {
          const frame = text(content)
          tell(content, frame.slice(0, 1 + (amount % 5)))
          rest = frame.slice(1 + (amount % 5))
          return undefined
        }
        case "peer: ping":
          return void write(ping(content))
        case "peer: pong":
          return void write(pong(content))
        case "peer: close":
          return void write(close(amount % 2 === 0 ? 1000 : undefined))
        case "peer: garbage":
          return void write("\xff\xff")
        case "peer: read":
          progress.output += transport.read()
          return undefined
        case "peer: end":
          return void peer.end()
        case "peer: reset":
          return void transport.fail("read_error")
        case "app: listen":
          if (progress.isListening) return undefined
          progress.isListening = true
          return app.listen
        case "app: text":
          return send(content)
        case "app: long text":
          return send(`${content} ${"x".repeat(amount)}`)
        case "app: close":
          return app.close(4000)
        case "app: keepalive":
          return app.keepalive(1 + (amount % 3), amount % 4)
        case "app: return":
          return void app.return()
        case "app: fail":
          return void app.fail("broken")
        case "server: drain":
          return void harness.server.registry.drain()
        case "server: abort":
          return void harness.server.registry.abort("server_shutdown")
        case "compressed":
          return void compression?.finishCompressing()
        case "decompressed":
          return void compression?.finishDecompressing()
        case "time":
          return TestClock.adjust(amount)
        case "turn":
          return turn
      }
    }
    for (const [step, amount] of steps) {
      const effect = perform(step, amount)
      // What waits for the session must not keep the others from going on.
      if (effect !== undefined) yield* Effect.forkChild(Effect.ignore(effect), { startImmediately: true })
      if (step === "time" || step === "turn") yield* turn
    }
    const output = (): ByteString => progress.output + transport.text
    return { app, harness, output, received: progress.received, sent: progress.sent, transport }
  })

/** A frame of a server, as far as it is looked at here. */
export interface ServerFrame {
  readonly type: "message" | "control" | "close"
  readonly payload: string
}

/** The frames of a server, read apart from the machine under test; the last one may be missing its end. */
export const readFrames = (output: ByteString): ReadonlyArray<ServerFrame> => {
  const frames: Array<ServerFrame> = []
  for (let rest = output; rest.length >= 2;) {
    const first = rest.charCodeAt(0)
    const short = rest.charCodeAt(1)
    const extended = short === 126 ? 2 : short === 127 ? 8 : 0
    if (rest.length < 2 + extended) break
    let length = extended === 0 ? short : 0
    for (let index = 0; index < extended; index++) length = length * 256 + rest.charCodeAt(2 + index)
    if (rest.length < 2 + extended + length) break
    const payload = rest.slice(2 + extended, 2 + extended + length)
    rest = rest.slice(2 + extended + length)
    const opcode = first & 0xf
    const type = opcode === 8 ? "close" : opcode > 8 ? "control" : "message"
    frames.push({ type, payload: (first & 0x40) === 0 ? payload : unsqueeze(payload) })
  }
  return frames
}

/** The opposite of `squeeze`. */
const unsqueeze = (payload: ByteString): string => {
  let message = ""
  for (let index = 1; index < payload.length; index += 2) {
    message += payload.charAt(index + 1).repeat(payload.charCodeAt(index))
  }
  return message
}

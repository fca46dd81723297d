import { assert, describe, it } from "@effect/vitest"
import * as ServerOptions from "@pagi/core/ServerOptions"
import * as Effect from "effect/Effect"
import { execFileSync } from "node:child_process"
import { type Inheritance, none, take } from "../src/listen/InheritedSockets.ts"
import { listenAll } from "../src/listen/Listeners.ts"
import * as BoundSockets from "../src/supervisor/BoundSockets.ts"
import { endpoints } from "@pagi/core/Endpoint"
import { findProgram } from "../../../test/support/FindProgram.ts"
import { listenTcp } from "./support/Listen.ts"

const listenOptions = { onAcceptError: () => {}, onSocket: () => {} }

/** How many connections may wait for the listeners of a port, as the system says. */
const backlogOf = (port: number): number =>
  Number(
    execFileSync("ss", ["-ltnH", `sport = :${port}`], { encoding: "utf8" })
      .trim()
      .split(/\s+/)[2]
  )

/** Listens on what a process has inherited, with this backlog, and yields that of the system. */
const backlogWith = (backlog: number, port: number, inheritance: Inheritance) =>
  Effect.scoped(
    Effect.gen(function* () {
      const options = yield* ServerOptions.make({ port })
      yield* listenAll(endpoints(options), inheritance, { ...listenOptions, backlog })
      return backlogOf(port)
    })
  )

/** The sockets of a process that looks after workers, as those find them. */
const passedOn = ({ descriptors, reuse, reuseForeign }: BoundSockets.BoundSockets): Inheritance =>
  take({ PAGI_REUSE: reuse(descriptors), PAGI_REUSE_FOREIGN: reuseForeign(descriptors) }, process.pid)

describe.skipIf(findProgram("ss") === undefined)("the backlog of a socket", () => {
  it.live("that is opened here is what the option says", () =>
    Effect.gen(function* () {
      const { address } = yield* listenTcp({ ...listenOptions, host: "127.0.0.1", port: 0, backlog: 17 })
      assert.strictEqual(backlogOf(address[1] ?? 0), 17)
    })
  )

  it.live("that workers inherit is what the option says", () =>
    Effect.gen(function* () {
      const bound = yield* BoundSockets.bind(yield* ServerOptions.make({ port: 0 }), none)
      const port = bound.sockets[0].address[1] ?? 0
      assert.strictEqual(yield* backlogWith(17, port, passedOn(bound)), 17)
    })
  )

  it.live("of systemd is never lowered, by workers neither", () =>
    Effect.gen(function* () {
      const first = yield* BoundSockets.bind(yield* ServerOptions.make({ port: 0 }), none)
      const port = first.sockets[0].address[1] ?? 0
      const [descriptor = -1] = first.descriptors
      const ofSystemd: Inheritance = {
        ...none,
        sockets: [{ descriptor, source: "LISTEN_FDS", name: undefined, isForeign: true }]
      }
      const bound = yield* BoundSockets.bind(yield* ServerOptions.make({ port }), ofSystemd)
      assert.isAtLeast(yield* backlogWith(17, port, passedOn(bound)), 128)
    })
  )
})

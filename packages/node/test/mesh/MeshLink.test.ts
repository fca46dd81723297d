import type { GapReason, LinkedMember, LinkListener } from "@pagi/core/topics/TopicLink"
import { assert, describe, it, vi } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as EffectScope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs"
import { connect, createServer, type Socket } from "node:net"
import { join } from "node:path"
import { temporaryFolder } from "../../../../test/support/TemporaryFolder.ts"
import * as MeshLink from "../../src/mesh/MeshLink.ts"
import { FrameReader } from "../../src/mesh/protocol/FrameReader.ts"
import * as Frames from "../../src/mesh/protocol/Frames.ts"
import { maxFrame } from "../../src/mesh/protocol/Limits.ts"
import * as PoolFolder from "../../src/process/PoolFolder.ts"
import { fakeTimers } from "../support/FakeTimers.ts"
import { until } from "../support/Until.ts"

/** What a process was told, as lines. */
class Heard implements LinkListener {
  readonly lines: Array<string> = []
  readonly onMessage = (topic: string, text: string): Effect.Effect<void> | undefined => {
    this.#add(`${topic}: ${text}`)
    return this.wait?.(text)
  }
  wait: ((text: string) => Effect.Effect<void> | undefined) | undefined = undefined
  #listeners: Array<() => void> = []

  readonly onGap = (topic: string | undefined, reason: GapReason): void => this.#add(`gap ${topic ?? "all"} ${reason}`)
  readonly onJoin = (topic: string, _process: string, { id, text }: LinkedMember): void =>
    this.#add(`${id} joined ${topic} ${text}`)
  readonly onLeave = (topic: string, _process: string, id: string): void => this.#add(`${id} left ${topic}`)
  readonly onProcessGone = (): void => this.#add("gone")

  #add(line: string): void {
    this.lines.push(line)
    for (const listener of this.#listeners) listener()
  }

  /** Completes when it has heard that line. */
  until(line: string): Effect.Effect<void> {
    return Effect.callback((resume) => {
      const look = (): void => {
        if (this.lines.includes(line)) resume(Effect.void)
      }
      this.#listeners.push(look)
      look()
    })
  }
}

const folder = Effect.map(temporaryFolder, (base) => PoolFolder.makeName({ XDG_RUNTIME_DIR: base }))

/** Nobody looks after sockets but when the test lets time go by. */
const lookingWhenTold = fakeTimers("Interval")

/** A process in the folder, which ends before the test does. */
const start = (folder: string) =>
  Effect.gen(function* () {
    const heard = new Heard()
    const scope = yield* EffectScope.fork(yield* Effect.scope)
    const link = yield* EffectScope.provide(MeshLink.make(folder)(heard), scope)
    return { heard, link, end: EffectScope.close(scope, Exit.void) }
  })

/** Completes when a frame of that kind has come. */
const frameOf = (socket: Socket, kind: number): Effect.Effect<void> => {
  const found = Deferred.makeUnsafe<void>()
  const reader = new FrameReader(maxFrame)
  socket.on("data", (bytes) =>
    reader.read(bytes, (one) => {
      if (one === kind) Deferred.doneUnsafe(found, Effect.void)
    })
  )
  return Deferred.await(found)
}

describe("the link of workers", () => {
  it.live("carries messages to those who subscribe, in order, and to nobody else", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const [one, two, three] = [yield* start(path), yield* start(path), yield* start(path)]
      yield* two.link.subscribe("a")
      for (let number = 0; number < 5000; number++) {
        const wait = one.link.publish("a", `${number}`)
        if (wait !== undefined) yield* wait
      }
      one.link.publish("b", "unheard")
      yield* two.heard.until("a: 4999")
      assert.deepStrictEqual(
        two.heard.lines,
        Array.from({ length: 5000 }, (_, number) => `a: ${number}`)
      )
      assert.isEmpty(three.heard.lines)
      assert.isEmpty(one.heard.lines)
    }).pipe(Effect.scoped)
  )

  it.live("connects all who begin at the same time", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const all = yield* Effect.all(
        Array.from({ length: 5 }, () => start(path)),
        { concurrency: "unbounded" }
      )
      yield* Effect.forEach(all, ({ link }) => link.subscribe("a"), { concurrency: "unbounded" })
      all.forEach(({ link }, index) => link.publish("a", `from ${index}`))
      for (const [index, { heard }] of all.entries()) {
        for (const other of all.keys()) if (other !== index) yield* heard.until(`a: from ${other}`)
        assert.lengthOf(heard.lines, 4)
      }
    }).pipe(Effect.scoped)
  )

  it.live("is found again when its folder was removed, and says to subscribers that something is missing", () =>
    Effect.gen(function* () {
      yield* lookingWhenTold
      const path = yield* folder
      const [one, two] = [yield* start(path), yield* start(path)]
      yield* one.link.subscribe("a")
      rmSync(path, { recursive: true })
      const late = yield* start(path)
      yield* late.link.subscribe("a")
      vi.advanceTimersByTime(5000)
      // Both have found the late one, and it them.
      yield* one.heard.until("gap all disconnected")
      yield* two.heard.until("gap all disconnected")
      yield* late.heard.until("gap all disconnected")
      late.link.publish("a", "from the late one")
      yield* one.heard.until("a: from the late one")
      one.link.publish("a", "to the late one")
      yield* late.heard.until("a: to the late one")
      two.link.publish("a", "to both")
      yield* one.heard.until("a: to both")
      yield* late.heard.until("a: to both")
      // Those who had not lost each other have missed nothing.
      assert.lengthOf(
        one.heard.lines.filter((line) => line.startsWith("gap")),
        1
      )
    }).pipe(Effect.scoped)
  )

  it.live("has its socket look used, since others remove what seems to be forgotten", () =>
    Effect.gen(function* () {
      yield* lookingWhenTold
      const path = yield* folder
      yield* start(path)
      const socket = join(path, readdirSync(path)[0] ?? "none")
      utimesSync(socket, 1, 1)
      vi.advanceTimersByTime(5000)
      yield* until("its socket looks used", () => statSync(socket).mtimeMs > 1000)
    }).pipe(Effect.scoped)
  )

  it.live("tells who is in a topic, who comes and who goes", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const [one, two] = [yield* start(path), yield* start(path)]
      yield* one.link.join("a", { id: "x", text: "1" })
      yield* two.link.watch("a")
      assert.deepStrictEqual(two.heard.lines, ["x joined a 1"])
      yield* one.link.join("a", { id: "y", text: "2" })
      yield* one.link.leave("a", "x")
      yield* two.heard.until("x left a")
      assert.deepStrictEqual(two.heard.lines, ["x joined a 1", "y joined a 2", "x left a"])
    }).pipe(Effect.scoped)
  )

  it.live("loses nothing that was published before an end, and tells that as no gap", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const [one, two] = [yield* start(path), yield* start(path)]
      yield* two.link.subscribe("a")
      for (let number = 0; number < 1000; number++) one.link.publish("a", `${number}`)
      yield* one.end
      yield* two.heard.until("gone")
      yield* two.heard.until("a: 999")
      assert.isFalse(two.heard.lines.some((line) => line.startsWith("gap")))
      assert.lengthOf(readdirSync(path), 1)
    }).pipe(Effect.scoped)
  )

  it.live("goes on for others while a subscriber makes its publishers wait", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const [one, two] = [yield* start(path), yield* start(path)]
      two.heard.wait = (text) => (text === "first" ? Effect.never : undefined)
      yield* two.link.subscribe("a")
      one.link.publish("a", "first")
      yield* two.heard.until("a: first")
      const large = "x".repeat(100_000)
      let waited = 0
      for (let number = 0; number < 300; number++) {
        const wait = one.link.publish("a", `${number}${large}`)
        if (wait === undefined) continue
        waited += 1
        yield* wait
      }
      assert.isAbove(waited, 0)
      assert.deepStrictEqual(two.heard.lines, ["a: first"])
      // Neither is held up by the messages that wait.
      yield* two.link.subscribe("b")
      yield* one.link.join("c", { id: "x", text: "1" })
      yield* two.link.watch("c")
      assert.deepStrictEqual(two.heard.lines, ["a: first", "x joined c 1"])
    }).pipe(Effect.scoped)
  )

  it.effect("begins without a process that does not answer, and subscribes without it too", () =>
    Effect.gen(function* () {
      const path = yield* folder
      mkdirSync(path, { mode: 0o700 })
      const greeted = Deferred.makeUnsafe<Socket>()
      const busy = createServer((socket) => {
        socket.once("data", () => Deferred.doneUnsafe(greeted, Effect.succeed(socket)))
      })
      yield* Effect.callback<void>((resume) => {
        busy.listen(join(path, "0123456789abcdef.sock"), () => resume(Effect.void))
      })
      const starting = yield* Effect.forkScoped(start(path))
      const socket = yield* Deferred.await(greeted)
      yield* TestClock.adjust(5000)
      const { heard, link } = yield* Fiber.join(starting)
      // It answers, and then it does not any more.
      socket.write(Frames.greeting(Frames.kinds.welcome, 0, "0123456789abcdef"))
      const told = frameOf(socket, Frames.kinds.syncLate)
      yield* told
      const asked = frameOf(socket, Frames.kinds.subscribe)
      const subscribing = yield* Effect.forkScoped(link.subscribe("a"))
      yield* asked
      yield* TestClock.adjust(5000)
      yield* Fiber.join(subscribing)
      assert.isEmpty(heard.lines)
      socket.write(Frames.count(Frames.kinds.synced, 2))
      yield* heard.until("gap a disconnected")
      busy.close()
      socket.destroy()
      yield* heard.until("gone")
    }).pipe(Effect.scoped)
  )

  it.live("says in one line that processes of another version are there", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const log: Array<string> = []
      const logger = Logger.make<unknown, void>(({ message }) => void log.push(String(message)))
      const { heard } = yield* Effect.provide(start(path), Logger.layer([logger]))
      const [name = ""] = readdirSync(path)
      for (const id of ["aa", "bb"]) {
        const socket = connect(join(path, name))
        socket.write(Frames.greeting(Frames.kinds.hello, 1, id, 2))
        yield* frameOf(socket, Frames.kinds.refuse)
        yield* Effect.callback<void>((resume) => {
          socket.once("close", () => resume(Effect.void))
        })
      }
      assert.isEmpty(heard.lines)
      assert.lengthOf(log, 1)
      assert.include(log[0] ?? "", "they speak version 2 of the protocol between workers, and this one 1")
    }).pipe(Effect.scoped)
  )

  it.live("removes the socket of a process that was killed, and leaves everything else", () =>
    Effect.gen(function* () {
      const path = yield* folder
      mkdirSync(path, { mode: 0o700 })
      writeFileSync(join(path, "letter"), "")
      writeFileSync(join(path, "0123456789abcdef.sock"), "")
      const server = createServer()
      yield* Effect.callback<void>((resume) => {
        server.listen(join(path, "r-1.sock"), () => resume(Effect.void))
      })
      yield* start(path)
      assert.isFalse(existsSync(join(path, "0123456789abcdef.sock")))
      assert.isTrue(existsSync(join(path, "letter")))
      assert.isTrue(existsSync(join(path, "r-1.sock")))
      server.close()
    }).pipe(Effect.scoped)
  )
})

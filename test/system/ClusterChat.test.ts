import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { chmodSync, readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { isAfter } from "../../examples/cluster-chat/History.ts"
import { findPrograms } from "../../examples/cluster-chat/launcher/Machine.ts"
import { findProgram } from "../support/FindProgram.ts"
import { temporaryFolder } from "../support/TemporaryFolder.ts"
import { browser, hasBrowser } from "./support/Browser.ts"
import { enter } from "./support/ChatMember.ts"
import { type ClusterChat, launch, launchReady } from "./support/ClusterChat.ts"
import { type ClusterChatMember, comeIn } from "./support/ClusterChatMember.ts"
import { type ClusterChatWatcher, watchRoom } from "./support/ClusterChatWatcher.ts"
import { isMeasurable, tell } from "./support/Memory.ts"
import { stopwatch } from "../support/Stopwatch.ts"
import { until } from "./support/Until.ts"

const isInstalled = [findProgram("redis-server"), findProgram("haproxy")].every((path) => path !== undefined)

const rooms = ["red", "blue"]

/** A room with members on every server, and more than one on each. */
const names = ["Ada", "Bo", "Cid", "Dee", "Eve", "Fay"]

/** Milliseconds in which everybody is to know who is there. */
const promised = 2000

const check = (what: string, condition: () => boolean) => until(what, Effect.sync(condition))

type Watchers = ReadonlyMap<string, ReadonlyArray<ClusterChatWatcher>>

/** Watches both rooms in all workers of some servers, or nearly all: the system chooses who takes a connection. */
const watchAt = (chat: ClusterChat, ...servers: ReadonlyArray<string>): Effect.Effect<Watchers, never, Scope.Scope> =>
  Effect.map(
    Effect.forEach(rooms, (room) =>
      Effect.map(
        Effect.forEach([...servers, ...servers, ...servers], (server) => watchRoom(chat.portOf(server), room)),
        (watchers) => [room, watchers] as const
      )
    ),
    (entries) => new Map(entries)
  )

/** Has a server replace its workers, and waits until its clients have come again. */
const replaceWorkers = (chat: ClusterChat, server: string, clients: ReadonlyArray<ClusterChatMember>) =>
  Effect.suspend(() => {
    const visits = new Map(clients.map((member) => [member, member.servers.length]))
    process.kill(chat.pidOf(server), "SIGHUP")
    return check("its clients have come again", () =>
      clients.every((member) => member.server !== undefined && member.servers.length > (visits.get(member) ?? 0))
    )
  })

/** People who talk in their rooms all the time. */
const converse = Effect.fnUntraced(function* (chat: ClusterChat) {
  let talkers = yield* Effect.forEach(
    rooms.flatMap((room) => names.map((name) => [room, name] as const)),
    ([room, name]) =>
      Effect.tap(comeIn(chat.port(), room, name), (member) =>
        check(`${name} is in ${room}`, () => member.server !== undefined)
      )
  )
  let isTalking = true
  yield* Effect.sync(() => {
    if (isTalking) for (const member of talkers) member.say(`${member.name} says ${member.said.length}`)
  }).pipe(Effect.repeat(Schedule.spaced("100 millis")), Effect.forkScoped)

  return {
    /** Those who talk, without the lost ones. */
    get members() {
      return talkers
    },
    /** Somebody says nothing more, and does not come back. */
    lose: (lost: ClusterChatMember) => {
      lost.stay()
      talkers = talkers.filter((member) => member !== lost)
    },
    /** Waits until everyone has come back and has heard a good deal more. */
    goesOn: Effect.suspend(() => {
      const counts = new Map(talkers.map((member) => [member, member.heard.length + 60]))
      return check("everyone hears on", () =>
        talkers.every((member) => member.server !== undefined && member.heard.length > (counts.get(member) ?? 0))
      )
    }),
    /** Milliseconds until all who watch are told that those are in the rooms who are. */
    untilPresenceIsRight: (watchers: Watchers) =>
      Effect.suspend(() => {
        const watch = stopwatch()
        const expected = (room: string) =>
          JSON.stringify(talkers.filter((member) => member.room === room).map(({ name }) => name))
        return Effect.map(
          check("presence is right", () =>
            rooms.every((room) => watchers.get(room)?.every(({ names }) => names === expected(room)))
          ),
          () => Math.round(watch())
        )
      }),
    /** All stop talking, and have heard the same: everything, once, in one order. */
    agree: Effect.gen(function* () {
      isTalking = false
      yield* check("everything is heard", () => {
        const ends = rooms.map(
          (room) => new Set(talkers.filter((member) => member.room === room).map(({ heard }) => heard.at(-1)?.id)).size
        )
        return talkers.every(({ isConfirmed }) => isConfirmed) && ends.every((count) => count === 1)
      })
      for (const room of rooms) {
        const [first, ...others] = talkers.filter((member) => member.room === room)
        const heard = first?.heard ?? []
        for (const [index, { id }] of heard.entries()) {
          assert.isTrue(index === 0 || isAfter(id, heard[index - 1]?.id ?? ""), `${id} has its place`)
        }
        for (const other of others) {
          // Who came later was told the last 50 messages of before.
          const begin = heard.findIndex(({ id }) => id === other.heard[0]?.id)
          const same = heard.slice(Math.max(begin, 0))
          const theirs =
            begin < 0 ? other.heard.slice(other.heard.findIndex(({ id }) => id === heard[0]?.id)) : other.heard
          assert.deepStrictEqual(theirs, same)
        }
        const keys = heard.map(({ key }) => key ?? "")
        assert.strictEqual(new Set(keys).size, keys.length, "nothing was written twice")
        for (const { name, said } of talkers.filter((member) => member.room === room)) {
          assert.deepStrictEqual(
            keys.filter((key) => key.startsWith(`${name}-`)),
            said,
            `all that ${name} has said was heard, in the order in which it was said`
          )
        }
      }
      isTalking = true
      return talkers[0]?.heard.length ?? 0
    })
  }
})

describe.skipIf(!isMeasurable || !isInstalled)("examples/cluster-chat", () => {
  it.live(
    "loses nothing and tells nothing twice when a server is killed, replaces its workers, or Redis is killed",
    () =>
      Effect.gen(function* () {
        const chat = yield* launchReady()
        // What is said again over another connection, since it was not heard back over the first, is said once.
        const twins = yield* Effect.forEach([1, 2], () => comeIn(chat.port(), "green", "Gil"))
        for (const twin of twins) twin.say("Once")
        for (const twin of twins) twin.say("Twice")
        yield* check("they are heard", () => twins.every(({ heard }) => heard.some(({ text }) => text === "Twice")))
        const late = yield* comeIn(chat.port(), "green", "Hal")
        yield* check("it is in the history", () => late.heard.length === 2)
        for (const { heard } of [...twins, late])
          assert.deepStrictEqual(
            heard.map(({ text }) => text),
            ["Once", "Twice"]
          )

        const talk = yield* converse(chat)
        const watchers = yield* watchAt(chat, "server 2", "server 3")
        yield* talk.goesOn
        yield* talk.untilPresenceIsRight(watchers)
        assert.strictEqual(new Set(talk.members.map(({ server }) => server)).size, 3, "all servers have clients")

        // A server is gone, and with it somebody who does not come back.
        const ghost = talk.members.find(({ server }) => server === "server 1")
        if (ghost === undefined) return assert.fail("nobody is on the first server")
        const left = talk.members.filter((member) => member !== ghost && member.server === "server 1")
        assert.isNotEmpty(left)
        talk.lose(ghost)
        const killed = chat.pidOf("server 1")
        process.kill(-killed, "SIGKILL")
        const whenKilled = yield* talk.untilPresenceIsRight(watchers)
        yield* talk.goesOn
        assert.isTrue(left.every(({ servers }) => servers.length > 1))
        const first = yield* talk.agree
        yield* chat.isBack("server 1", killed)

        // Another one replaces its workers: their clients are sent away, and nobody is missed.
        const moved = talk.members.filter(({ server }) => server === "server 2")
        assert.isNotEmpty(moved)
        yield* replaceWorkers(chat, "server 2", moved)
        const whenReplaced = yield* talk.untilPresenceIsRight(watchers)
        yield* talk.goesOn
        const second = yield* talk.agree

        // One is told to stop: its clients go to the others, and nobody comes to it any more.
        const sent = talk.members.filter(({ server }) => server === "server 3")
        assert.isNotEmpty(sent)
        const stopped = chat.pidOf("server 3")
        process.kill(stopped, "SIGTERM")
        yield* check("its clients have come again", () => sent.every(({ servers }) => servers.at(-1) !== "server 3"))
        for (const { servers } of sent) assert.strictEqual(servers.filter((name) => name === "server 3").length, 1)
        yield* chat.isBack("server 3", stopped)
        assert.include(chat.output(), "server 3 has ended (as it was told)")
        yield* talk.agree

        const redis = chat.pidOf("Redis")
        process.kill(redis, "SIGKILL")
        // Somebody leaves meanwhile, of which the others hear when it is back.
        const [leaver] = talk.members
        if (leaver === undefined) return assert.fail("nobody is there")
        talk.lose(leaver)
        leaver.leave()
        yield* chat.isBack("Redis", redis)
        const whenRedisWasBack = yield* talk.untilPresenceIsRight(watchers)
        yield* talk.goesOn
        const third = yield* talk.agree

        yield* tell(
          `presence right after ${whenKilled} ms (killed server), ${whenReplaced} ms (new workers), ` +
            `${whenRedisWasBack} ms (Redis back); ${first}, ${second}, ${third} messages heard`
        )
        assert.isBelow(whenKilled, promised)
        assert.isBelow(whenReplaced, promised)
        assert.isBelow(whenRedisWasBack, promised)

        yield* chat.signal("SIGTERM")
        assert.deepStrictEqual(yield* chat.result, { code: 0, signal: null }, chat.output())
        assert.strictEqual(chat.processes(), 0)
      }),
    180_000
  )

  it.live(
    "with rooms as entities, loses nothing and tells nothing twice when each worker is killed, or all are replaced",
    () =>
      Effect.gen(function* () {
        const chat = yield* launchReady(["--entities"])
        const talk = yield* converse(chat)
        const watchers = yield* watchAt(chat, "server 1")
        yield* talk.goesOn
        const workers = chat.workersOf("server 1")
        assert.strictEqual(workers.length, 3)
        const times: Array<number> = []
        // Whichever has the rooms, it is among them.
        for (const worker of workers) {
          // With it somebody is gone who does not come back, if it has clients.
          const ghost = talk.members.find(({ server }) => server === `process ${worker}`)
          if (ghost !== undefined) talk.lose(ghost)
          process.kill(worker, "SIGKILL")
          yield* check("its clients have come again", () =>
            talk.members.every(({ server }) => server !== undefined && server !== `process ${worker}`)
          )
          times.push(yield* talk.untilPresenceIsRight(watchers))
          yield* talk.goesOn
        }
        const first = yield* talk.agree
        yield* replaceWorkers(chat, "server 1", talk.members)
        times.push(yield* talk.untilPresenceIsRight(watchers))
        yield* talk.goesOn
        const second = yield* talk.agree
        yield* tell(
          `rooms as entities: presence right after ${times.join(", ")} ms; ${first}, ${second} messages heard`
        )
        for (const time of times) assert.isBelow(time, promised)

        yield* chat.signal("SIGTERM")
        assert.deepStrictEqual(yield* chat.result, { code: 0, signal: null }, chat.output())
        assert.strictEqual(chat.processes(), 0)
      }),
    180_000
  )

  it.live.skipIf(!hasBrowser)("is used in two browsers, which do not notice much when a server is killed", () =>
    Effect.gen(function* () {
      const chat = yield* launchReady()
      const chromium = yield* browser
      const place = { url: (path: string) => `http://127.0.0.1:${chat.port()}${path}` }
      const ada = yield* enter(chromium, place, "Ada")
      const bo = yield* enter(chromium, place, "Bo", { width: 390, height: 700 })
      for (const member of [ada, bo]) yield* member.seesMembers("Ada", "Bo")
      yield* ada.say("Hello!")
      yield* bo.sees("Hello!")

      yield* ada.sees(/^Connected to server \d$/)
      const state = yield* ada.state
      const { connections } = ada
      process.kill(-chat.pidOf(state.replace("Connected to ", "")), "SIGKILL")
      yield* bo.say("Are you still there?")
      yield* ada.sees("Are you still there?")
      // To another server, or to the same one, which is started again.
      yield* check("Ada connects again", () => ada.connections > connections)
      yield* ada.sees(/^Connected to server \d$/)
      yield* ada.say("I am.")
      for (const member of [ada, bo]) {
        yield* member.sees("I am.")
        yield* member.seesMembers("Ada", "Bo")
        assert.deepStrictEqual(yield* member.messages, ["Hello!", "Are you still there?", "I am."])
      }
    })
  )

  it.live("is stopped by Ctrl-C, and leaves no process and no file", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const chat = yield* launch([], { TMPDIR: folder })
      yield* check("it has begun", () => readdirSync(folder).length === 1)
      yield* chat.signal("SIGINT")
      assert.deepStrictEqual(yield* chat.result, { code: 0, signal: null }, chat.output())
      assert.strictEqual(chat.processes(), 0)
      assert.deepStrictEqual(readdirSync(folder), [])
    })
  )

  it.live("leaves no process and no file when it is killed", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const chat = yield* launch([], { TMPDIR: folder })
      // Redis has begun, and the servers with it.
      yield* check("it has begun", () => chat.processes() > 4)
      yield* chat.signal("SIGKILL")
      yield* check("nothing is left", () => chat.processes() === 0 && readdirSync(folder).length === 0)
    })
  )

  it.live("stops with what a part says that fails", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const redis = join(folder, "redis-server")
      writeFileSync(redis, "#!/bin/sh\necho something is wrong\nexit 3\n")
      chmodSync(redis, 0o700)
      const chat = yield* launch([], { PATH: `${folder}:${process.env["PATH"] ?? ""}`, TMPDIR: folder })
      assert.deepStrictEqual(yield* chat.result, { code: 1, signal: null }, chat.output())
      assert.include(chat.output(), "Redis has ended (exit code 3) before it was ready; it says:\nsomething is wrong\n")
      assert.strictEqual(chat.processes(), 0)
      assert.deepStrictEqual(readdirSync(folder), ["redis-server"])
    })
  )
})

describe("the launcher of examples/cluster-chat", () => {
  it.effect("says what is to be installed", () =>
    Effect.gen(function* () {
      const { message } = yield* Effect.flip(findPrograms("sh", "pagi-no-such-server", "pagi-no-such-proxy"))
      assert.strictEqual(
        message,
        "not installed: pagi-no-such-server and pagi-no-such-proxy; " +
          "on Debian and Ubuntu: apt install pagi-no-such-server pagi-no-such-proxy"
      )
    })
  )
})

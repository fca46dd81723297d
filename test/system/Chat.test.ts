import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { browser, hasBrowser } from "./support/Browser.ts"
import { enter } from "./support/ChatMember.ts"
import { bodyOf, open, requestText } from "./support/Peer.ts"
import { type Server, serveFile } from "./support/Programs.ts"
import { until } from "./support/Until.ts"
import { connect } from "./support/WebSocketClient.ts"

const serve = (port = 0) => serveFile("examples/10-chat/app.ts", [], port)

const phone = { width: 390, height: 700 }

const hasPassed = { code: 0, signal: null }

describe.skipIf(!hasBrowser)("examples/10-chat in Chromium", () => {
  it.live("has two people talk, who see each other come and go", () =>
    Effect.gen(function* () {
      const server = yield* serve()
      const chromium = yield* browser
      const ada = yield* enter(chromium, server, "Ada")
      yield* ada.seesMembers("Ada")
      const bo = yield* enter(chromium, server, "Bo <i>", phone)
      for (const member of [ada, bo]) yield* member.seesMembers("Ada", "Bo <i>")
      yield* ada.sees("Bo <i> has come in.")

      const said = ["Hello!", "<script>alert(1)</script> & so on", "ä 😀"]
      yield* ada.say("Hello!")
      yield* bo.sees("Hello!")
      yield* bo.say("<script>alert(1)</script> & so on")
      yield* bo.say("ä 😀")
      for (const member of [ada, bo]) {
        yield* member.sees("ä 😀")
        assert.deepStrictEqual(yield* member.messages, said)
      }
      yield* bo.do(async (page) => {
        assert.isTrue(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it fits on the phone")
      })
      yield* bo.hasNoProblems

      yield* bo.close
      yield* ada.seesMembers("Ada")
      yield* ada.sees("Bo <i> has left.")

      const cid = yield* enter(chromium, server, "Cid")
      // Who comes later sees what was said before.
      yield* cid.sees("ä 😀")
      assert.deepStrictEqual(yield* cid.messages, said)
      yield* cid.do((page) => page.getByRole("button", { name: "Leave" }).click())
      yield* ada.seesMembers("Ada")
      for (const member of [ada, cid]) yield* member.hasNoProblems
    })
  )

  it.live("brings people back after the page was loaded again and after the server has restarted", () =>
    Effect.gen(function* () {
      const chromium = yield* browser
      const { ada, port } = yield* Effect.gen(function* () {
        const server = yield* serve()
        const ada = yield* enter(chromium, server, "Ada")
        yield* ada.say("before")
        yield* ada.sees("before")
        yield* ada.do((page) => page.reload())
        yield* ada.seesMembers("Ada")
        yield* ada.sees("before")
        yield* ada.hasNoProblems
        yield* server.signal("SIGTERM")
        // Neither the WebSocket nor the event stream keeps the server from ending.
        assert.deepStrictEqual(yield* server.result, hasPassed, server.output())
        yield* ada.sees("Not connected. Trying again …")
        return { ada, port: server.port }
      }).pipe(Effect.scoped)
      yield* ada.say("after")
      yield* serve(port)
      yield* ada.sees("Connected")
      yield* ada.seesMembers("Ada")
      // What could not be sent is still in the field.
      yield* ada.say("wards")
      yield* ada.sees("afterwards")
      assert.deepStrictEqual(yield* ada.messages, ["before", "afterwards"])
    })
  )
})

/** A connection that asks for a WebSocket and has not read anything yet. */
const ask = ({ port }: Server, path: string) =>
  Effect.map(open(port), (peer) => {
    const key = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    peer.send(requestText(path, `Connection: Upgrade\r\nUpgrade: websocket\r\n${key}`))
    return peer
  })

/** The lists of names that somebody who watches a room gets. */
const watch = ({ port }: Server, room: string) =>
  Effect.map(open(port), (peer) => {
    peer.read().send(requestText(`/rooms/${room}/members`, "Accept: text/event-stream\r\n"))
    const lists = () => Array.from(peer.text.matchAll(/^data: (.*)$/gm), ([, names]) => names)
    const areThere = (...names: ReadonlyArray<string>) => Effect.sync(() => lists().at(-1) === JSON.stringify(names))
    const sees = (...names: ReadonlyArray<string>) => until(`${names.join(", ")} are there`, areThere(...names))
    return { areThere, lists, sees }
  })

const say = (text: string) => JSON.stringify({ type: "say", text })

describe("examples/10-chat", () => {
  it.live("refuses what it does not understand, and goes on", () =>
    Effect.gen(function* () {
      const server = yield* serve()
      for (const path of [
        "/",
        "/rooms/lobby",
        "/rooms/lobby?name=%00",
        "/rooms/a%2Fb?name=Ada",
        "/rooms/lobby/members"
      ]) {
        const peer = (yield* ask(server, path)).read()
        const response = yield* peer.response
        assert.match(response ?? "", /^HTTP\/1\.1 404 /, path)
        assert.strictEqual(bodyOf(response ?? ""), "Come to /rooms/ROOM?name=NAME\n")
      }
      const ada = yield* connect(server, "/rooms/Lobby?name=+Ada+")
      const bo = yield* connect(server, "/rooms/lobby?name=Bo")
      ada.send(say(" "))
      ada.send(say("x".repeat(2001)))
      ada.send("no JSON")
      ada.send(new Uint8Array([1]))
      ada.send(JSON.stringify({ type: "shout", text: "Hello" }))
      ada.send(say("x".repeat(2000)))
      yield* bo.receives(1)
      yield* ada.receives(6)
      const types = ada.received.map((text) => JSON.parse(String(text)).type)
      assert.deepStrictEqual(types, [...Array.from({ length: 5 }, () => "refused"), "said"])
      assert.include(String(ada.received[0]), "There is nothing in it.")
      assert.include(String(ada.received[1]), "It has more than 2000 characters.")
      assert.deepStrictEqual(bo.received, [ada.received[5]])
      assert.deepInclude(JSON.parse(String(bo.received[0])), { from: "Ada", text: "x".repeat(2000) })
    })
  )

  it.live("tells a message once that comes twice, and who comes back only what was missed", () =>
    Effect.gen(function* () {
      const server = yield* serve()
      const ada = yield* connect(server, "/rooms/lobby?name=Ada")
      const keyed = (key: string, text: string) => JSON.stringify({ type: "say", key, text })
      for (const [key, text] of [
        ["a-1", "one"],
        ["a-2", "two"],
        ["a-1", "one"],
        ["a-3", "three"]
      ] as const) {
        ada.send(keyed(key, text))
      }
      yield* ada.receives(3)
      const [one, ...missed] = ada.received
      assert.deepStrictEqual(
        ada.received.map((text) => JSON.parse(String(text)).text),
        ["one", "two", "three"]
      )
      const { id, key } = JSON.parse(String(one))
      assert.strictEqual(key, "a-1")
      const back = yield* connect(server, `/rooms/lobby?name=Ada&after=${id}`)
      yield* back.receives(2)
      assert.deepStrictEqual(back.received, missed)
      // What another run of the server has said is not known here.
      const stranger = yield* connect(server, "/rooms/lobby?name=Bo&after=1-1")
      yield* stranger.receives(3)
      assert.deepStrictEqual(stranger.received, ada.received)
      const refused = (yield* ask(server, "/rooms/lobby?name=Bo&after=x")).read()
      assert.match((yield* refused.response) ?? "", /^HTTP\/1\.1 404 /)
    })
  )

  it.live("shows a name once, however often it is there", () =>
    Effect.gen(function* () {
      const server = yield* serve()
      const { lists, sees } = yield* watch(server, "lobby")
      yield* sees()
      const first = yield* connect(server, "/rooms/lobby?name=Ada")
      yield* sees("Ada")
      yield* connect(server, "/rooms/lobby?name=Ada")
      yield* connect(server, "/rooms/lobby?name=Bo")
      yield* sees("Ada", "Bo")
      first.close()
      yield* first.closed
      yield* connect(server, "/rooms/lobby?name=Cid")
      yield* sees("Ada", "Bo", "Cid")
      assert.deepStrictEqual(lists(), ["[]", `["Ada"]`, `["Ada","Bo"]`, `["Ada","Bo","Cid"]`])
    })
  )

  it.live("drops a member who reads nothing, for whom nobody else has to wait", () =>
    Effect.gen(function* () {
      const server = yield* serve()
      const { areThere, sees } = yield* watch(server, "lobby")
      const slow = yield* ask(server, "/rooms/lobby?name=Slow")
      yield* sees("Slow")
      const speakers = yield* Effect.forEach(Array.from({ length: 10 }), () => connect(server, "/rooms/lobby?name=Ada"))
      yield* sees("Ada", "Slow")
      // What the system takes for the slow one, some MiB, has to be full before messages wait in the room.
      let rounds = 0
      const everyoneSaysAndHears = Effect.suspend(() => {
        rounds++
        for (const speaker of speakers) speaker.send(say("語".repeat(2000)))
        return Effect.forEach(speakers, (speaker) => speaker.receives(rounds * speakers.length), { discard: true })
      })
      // That is work, for which a machine may need longer than for anything else here.
      const dropped = until("the slow one is dropped", areThere("Ada"), "75 seconds")
      yield* everyoneSaysAndHears.pipe(Effect.forever, Effect.raceFirst(dropped))
      for (const { received } of speakers) assert.isAbove(received.length, 256)

      let end = ""
      slow.socket.on("data", (bytes) => {
        end = (end + bytes.toString("latin1")).slice(-100)
      })
      slow.socket.resume()
      yield* until(
        "the slow one is told why",
        Effect.sync(() => end.endsWith("\x88\x16\x03\xf0You read too slowly."))
      )
    })
  )
})

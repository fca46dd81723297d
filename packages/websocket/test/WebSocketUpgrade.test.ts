import { assert, describe, it } from "@effect/vitest"
import type { HeaderBlock } from "@pagi/core/HeaderBlock"
import type { UpgradeRequest } from "@pagi/core/exchange/WebSocketUpgrade"
import * as TestServer from "@pagi/core/testing/TestServer"
import * as Effect from "effect/Effect"
import { make } from "../src/WebSocketUpgrade.ts"
import { FakePlatform } from "./support/FakePlatform.ts"
import { connect, finishSessions, makePuppetHarness } from "./support/Puppets.ts"
import { makeHarness, turn } from "./support/SessionHarness.ts"

const sound: HeaderBlock = [
  ["connection", "Upgrade"],
  ["upgrade", "websocket"],
  ["sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="],
  ["sec-websocket-version", "13"]
]

const request = (headers: HeaderBlock, more: Partial<UpgradeRequest> = {}): UpgradeRequest => ({
  method: "GET",
  path: "/",
  rawPath: "/",
  queryString: "",
  httpVersion: "1.1",
  headers,
  upgrade: "websocket",
  ...more
})

const makeUpgrade = Effect.map(
  TestServer.make(() => Effect.void),
  ({ server }) => make(server, new FakePlatform())
)

describe("reading a request", () => {
  it.effect("that asks for something else answers nothing", () =>
    Effect.gen(function* () {
      const upgrade = yield* makeUpgrade
      for (const asked of [undefined, "", "h2c", "websocket/13", "web socket", "xwebsocket"]) {
        assert.isUndefined(upgrade.read(request(sound, { upgrade: asked })), asked)
      }
    })
  )

  it.effect("that asks for WebSocket among others answers a handshake with the subprotocols that are offered", () =>
    Effect.gen(function* () {
      const upgrade = yield* makeUpgrade
      for (const asked of ["websocket", "h2c, websocket", "websocket , h2c"]) {
        const read = upgrade.read(
          request([...sound, ["sec-websocket-protocol", "chat, superchat"], ["sec-websocket-protocol", "other"]], {
            upgrade: asked
          })
        )
        assert.isTrue(read?.type === "handshake")
        assert.deepStrictEqual(read?.type === "handshake" ? read.subprotocols : [], ["chat", "superchat", "other"])
      }
    })
  )

  it.effect("with a malformed handshake answers why it is refused", () =>
    Effect.gen(function* () {
      const upgrade = yield* makeUpgrade
      const without = (name: string) => sound.filter((field) => field[0] !== name)
      const refusals: ReadonlyArray<readonly [UpgradeRequest, number]> = [
        [request(without("sec-websocket-key")), 400],
        [request(without("sec-websocket-version")), 426],
        [request([...without("sec-websocket-version"), ["sec-websocket-version", "8"]]), 426],
        [request(sound, { method: "POST" }), 400]
      ]
      for (const [refused, status] of refusals) {
        const read = upgrade.read(refused)
        assert.strictEqual(read?.type === "error" ? read.status : undefined, status)
        const versions = read?.type === "error" ? read.headers : []
        if (status === 426) assert.deepInclude(versions, ["sec-websocket-version", "13"])
      }
    })
  )
})

describe("accepting", () => {
  it.effect("proves that the handshake was understood, with the application's fields behind the server's own", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness()
      const session = yield* connect(harness, { headers: [["sec-websocket-protocol", "chat, superchat"]] })
      const { app, driver } = session
      assert.deepStrictEqual(app.scope.subprotocols, ["chat", "superchat"])
      yield* app.receive
      yield* app.accept("superchat", [
        ["set-cookie", "a=b"],
        ["X-More", "c"]
      ])
      assert.deepStrictEqual(driver.acceptedHead?.map(([name, value]) => [name.toLowerCase(), value]).toSorted(), [
        ["connection", "upgrade"],
        ["sec-websocket-accept", "digest(dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11)"],
        ["sec-websocket-protocol", "superchat"],
        ["set-cookie", "a=b"],
        ["upgrade", "websocket"],
        ["x-more", "c"]
      ])
      yield* finishSessions(harness, session)
    })
  )

  it.effect(
    "fails for a subprotocol that was not offered and for fields that are the server's, and may be repeated",
    () =>
      Effect.gen(function* () {
        const harness = yield* makePuppetHarness()
        const session = yield* connect(harness, { headers: [["sec-websocket-protocol", "chat"]] })
        const { app, driver, peer } = session
        for (const [subprotocol, headers] of [
          ["superchat", []],
          ["", []],
          ["CHAT", []],
          [undefined, [["Sec-WebSocket-Accept", "x"]]],
          [undefined, [["Connection", "close"]]],
          [undefined, [["upgrade", "h2c"]]],
          [undefined, [["sec-websocket-protocol", "chat"]]],
          [undefined, [["sec-websocket-extensions", "permessage-deflate"]]],
          [undefined, [["content-length", "0"]]]
        ] as ReadonlyArray<readonly [string | undefined, HeaderBlock]>) {
          assert.strictEqual((yield* Effect.flip(app.accept(subprotocol, headers))).reason._tag, "ResponseRefused")
        }
        assert.isUndefined(driver.acceptedHead)
        yield* app.accept("chat")
        yield* app.text("hello")
        yield* turn
        assert.deepStrictEqual(peer.read(), ["text hello"])
        yield* finishSessions(harness, session)
      })
  )

  it.effect("agrees on compression when the server wants it and the client offers it", () =>
    Effect.gen(function* () {
      for (const perMessageDeflate of [true, false]) {
        const harness = yield* makeHarness((_scope, _receive, send) => send({ type: "websocket.accept" }), {
          options: { perMessageDeflate }
        })
        const { driver, peer } = harness.connect({
          headers: [["sec-websocket-extensions", "permessage-deflate; client_max_window_bits=10"]]
        })
        const agreed = driver.acceptedHead?.find(([name]) => name.toLowerCase() === "sec-websocket-extensions")
        assert.strictEqual(agreed?.[1], perMessageDeflate ? "permessage-deflate; client_max_window_bits=10" : undefined)
        assert.deepStrictEqual(
          harness.platform.compressions.map(({ parameters }) => parameters.clientMaxWindowBits),
          perMessageDeflate ? [10] : []
        )
        peer.close()
        peer.end()
        yield* turn
      }
    })
  )

  it.effect("is too late when the peer has left, and then opens nothing", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness({ perMessageDeflate: true })
      const session = yield* connect(harness, { headers: [["sec-websocket-extensions", "permessage-deflate"]] })
      const { app, driver, peer } = session
      peer.end()
      yield* turn
      yield* app.accept()
      assert.isUndefined(driver.acceptedHead)
      yield* app.listen
      assert.deepStrictEqual(app.notes, ["connect", "disconnect 1006 client_closed"])
      yield* finishSessions(harness, session)
    })
  )
})

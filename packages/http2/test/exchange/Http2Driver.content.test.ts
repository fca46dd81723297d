import { assert, describe, it } from "@effect/vitest"
import type { HttpReceiveEvent } from "@pagi/core/Event"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import { PADDED } from "../../src/protocol/frame/Flag.ts"
import * as FrameType from "../../src/protocol/frame/FrameType.ts"
import {
  echo,
  readBody,
  recorded,
  respond,
  start,
  last,
  textOf,
  hello
} from "@pagi/core/test/drivers/support/Applications"
import { finish, makeHarness, turn } from "./support/DriverHarness.ts"

const plain = (event: HttpReceiveEvent): unknown =>
  event.type === "http.request" ? [textOf(event.body), event.more] : event.type

/** An application that notes every event up to the end of the content, and answers. */
const noting = () => {
  const events: Array<unknown> = []
  const app = recorded<unknown>((_, receive, send) =>
    Effect.gen(function* () {
      for (;;) {
        const event = yield* receive
        events.push(plain(event))
        if (event.type === "http.disconnect") return
        if (!event.more) return yield* respond(send, "ok")
      }
    })
  )
  return { ...app, events }
}

const post = { method: "POST", more: true } as const

describe("the request's content", () => {
  it.effect("is one empty piece for a request without any", () =>
    Effect.gen(function* () {
      const { application, events } = noting()
      const harness = yield* makeHarness(application)
      const peer = harness.connect()
      peer.request()
      peer.end(peer.request(post))
      yield* turn
      assert.deepStrictEqual(events, [
        ["", false],
        ["", false]
      ])
      yield* finish(harness, peer)
    })
  )

  it.effect("comes in pieces as it arrives; the one with END_STREAM says that it is the last", () =>
    Effect.gen(function* () {
      const { application, events } = noting()
      const harness = yield* makeHarness(application)
      const peer = harness.connect()
      const id = peer.request({ ...post, fields: [["content-length", "6"]] })
      assert.deepStrictEqual(events, [])
      peer.data(id, "ab")
      assert.deepStrictEqual(events, [["ab", true]])
      peer.data(id, "cd")
      peer.end(id, "ef")
      assert.deepStrictEqual(events, [
        ["ab", true],
        ["cd", true],
        ["ef", false]
      ])
      yield* turn
      assert.strictEqual(peer.response(id).body, "ok")
      yield* finish(harness, peer)
    })
  )

  it.effect("ends with an empty piece when END_STREAM comes late", () =>
    Effect.gen(function* () {
      const { application, events } = noting()
      const harness = yield* makeHarness(application)
      const peer = harness.connect()
      const id = peer.request(post)
      peer.data(id, "ab")
      peer.end(id)
      assert.deepStrictEqual(events, [
        ["ab", true],
        ["", false]
      ])
      yield* finish(harness, peer)
    })
  )

  it.effect("does not contain its padding", () =>
    Effect.gen(function* () {
      const { application, events } = noting()
      const harness = yield* makeHarness(application)
      const peer = harness.connect()
      const id = peer.request(post)
      peer.frame(FrameType.DATA, PADDED, id, `\u0003ab${"\0".repeat(3)}`)
      peer.frame(FrameType.DATA, PADDED | 1, id, `\u0005${"\0".repeat(5)}`)
      assert.deepStrictEqual(events, [
        ["ab", true],
        ["", false]
      ])
      yield* finish(harness, peer)
    })
  )

  it.effect("ends with trailers, which must not contradict its content-length", () =>
    Effect.gen(function* () {
      const { application, events } = noting()
      const harness = yield* makeHarness(application)
      const peer = harness.connect()
      const id = peer.request(post)
      peer.data(id, "ab")
      peer.headers(id, [["x-checksum", "1"]], true)
      assert.deepStrictEqual(events, [
        ["ab", true],
        ["", false]
      ])
      yield* turn
      assert.strictEqual(peer.response(id).body, "ok")
      const short = peer.request({ ...post, fields: [["content-length", "3"]] })
      peer.headers(short, [["x-checksum", "1"]], true)
      yield* turn
      assert.strictEqual(peer.response(short).reset, "PROTOCOL_ERROR")
      assert.strictEqual(events.at(-1), "http.disconnect")
      yield* finish(harness, peer)
    })
  )

  for (const [name, pieces] of [
    ["longer", ["abcd"]],
    ["shorter", ["ab"]],
    ["longer, piece by piece,", ["ab", "cd", "ef"]]
  ] as const) {
    it.effect(`that is ${name} than its content-length resets the stream`, () =>
      Effect.gen(function* () {
        const { application, events, scopes } = noting()
        const harness = yield* makeHarness(application)
        const peer = harness.connect()
        const id = peer.request({ ...post, fields: [["content-length", "3"]] })
        peer.together(() => pieces.forEach((text, index) => peer.data(id, text, index === pieces.length - 1)))
        yield* turn
        assert.strictEqual(peer.response(id).reset, "PROTOCOL_ERROR")
        assert.strictEqual(events.at(-1), "http.disconnect")
        assert.strictEqual(scopes[0]?.connection.disconnectReason, "protocol_error")
        assert.deepStrictEqual(peer.goAways, [])
        yield* finish(harness, peer)
      })
    )
  }

  for (const lends of [true, false]) {
    it.effect(`arrives whole from ${lends ? "lent" : "owned"} memory, whatever waits and however it is cut`, () =>
      Effect.gen(function* () {
        const mayRead = Latch.makeUnsafe()
        const { application } = recorded<unknown>((scope, receive, send) =>
          Effect.andThen(mayRead.await, echo(scope, receive, send))
        )
        const harness = yield* makeHarness(application)
        const peer = harness.connect({ lends })
        const text = Array.from({ length: 5000 }, (_, index) => String.fromCharCode(97 + (index % 26))).join("")
        let id = 0
        const bytes = peer.bytesOf(() => {
          id = peer.request(post)
          for (let offset = 0; offset < text.length; offset += 777) peer.data(id, text.slice(offset, offset + 777))
          peer.end(id)
        })
        for (let offset = 0; offset < bytes.length; offset += 100)
          peer.transport.push(bytes.slice(offset, offset + 100))
        mayRead.openUnsafe()
        yield* turn
        assert.strictEqual(peer.response(id).body, `POST / ${text}`)
        yield* finish(harness, peer)
      })
    )
  }

  it.effect("receive behind the end of the content waits for the end of the exchange", () =>
    Effect.gen(function* () {
      const events: Array<unknown> = []
      const { application } = recorded<unknown>((_, receive, send) =>
        Effect.gen(function* () {
          yield* readBody(receive)
          yield* Effect.forkChild(
            Effect.flatMap(receive, (event) => Effect.sync(() => events.push(plain(event)))),
            { startImmediately: true }
          )
          assert.deepStrictEqual(events, [])
          yield* respond(send, "ok")
          yield* Effect.yieldNow
          assert.deepStrictEqual(events, ["http.disconnect"])
          for (let reads = 0; reads < 3; reads++) assert.strictEqual(plain(yield* receive), "http.disconnect")
        })
      )
      const harness = yield* makeHarness(application)
      const peer = harness.connect()
      const id = peer.request()
      yield* turn
      assert.strictEqual(peer.response(id).body, "ok")
      assert.deepStrictEqual(harness.errors, [])
      yield* finish(harness, peer)
    })
  )
})

describe("expectations", () => {
  const expecting = { ...post, fields: [["expect", "100-continue"]] } as const

  it.effect("100 is sent when the application first reads the content, and once", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(echo).application)
      const peer = harness.connect()
      const id = peer.request(expecting)
      yield* turn
      assert.deepStrictEqual(peer.response(id).informational, [100])
      peer.data(id, "abc")
      peer.end(id, "def")
      yield* turn
      assert.deepStrictEqual(peer.response(id).informational, [100])
      assert.strictEqual(peer.response(id).body, "POST / abcdef")
      yield* finish(harness, peer)
    })
  )

  it.effect("100 is sent also when the application starts its response before it reads", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((_, receive, send) =>
        Effect.gen(function* () {
          yield* send(start())
          yield* send(last((yield* readBody(receive)) ?? "nothing"))
        })
      )
      const harness = yield* makeHarness(application)
      const peer = harness.connect()
      const id = peer.request(expecting)
      yield* turn
      assert.deepStrictEqual(peer.response(id).informational, [100])
      peer.end(id, "abc")
      yield* turn
      assert.strictEqual(peer.response(id).body, "abc")
      yield* finish(harness, peer)
    })
  )

  it.effect("no 100 without reading, nor when the content has begun, nor when there is none", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(hello).application)
      const reading = yield* makeHarness(recorded(echo).application)
      const peer = harness.connect()
      const other = reading.connect()
      const ignored = peer.request(expecting)
      const begun = other.together(() => {
        const id = other.request(expecting)
        other.end(id, "abc")
        return id
      })
      const empty = other.request({ fields: expecting.fields })
      yield* turn
      assert.deepStrictEqual(peer.response(ignored).informational, [])
      assert.strictEqual(peer.response(ignored).body, "hello /")
      assert.strictEqual(other.response(begun).body, "POST / abc")
      assert.deepStrictEqual(other.response(empty).informational, [])
      peer.end(ignored)
      yield* finish(harness, peer)
      yield* finish(reading, other)
    })
  )
})

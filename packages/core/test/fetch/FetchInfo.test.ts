import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { refused } from "../../src/contract/SendError.ts"
import type { FetchInfo } from "../../src/fetch/FetchInfo.ts"
import { FakeRequest } from "../support/FakeRequest.ts"
import { Light, run, feed, turn } from "../support/FetchRuns.ts"

describe("FetchInfo", () => {
  const infoOf = (source: FakeRequest): FetchInfo => {
    let seen: FetchInfo | undefined
    run((_request, info) => {
      seen = info
      return new Promise(() => {})
    }, source)
    return seen ?? assert.fail("the handler was not called")
  }

  it("tells of the request and its connection", () => {
    const source = new FakeRequest([], { httpVersion: "2", secure: true })
    const { httpVersion, readiness, remoteAddress, remotePort, secure, state, tls } = infoOf(source)
    assert.deepStrictEqual([remoteAddress, remotePort, httpVersion, secure], ["192.0.2.1", 50_000, "2", true])
    assert.deepStrictEqual([state, tls, readiness.isReady], [{ greeting: "Hello" }, undefined, true])
    const unix = infoOf(new FakeRequest([], { client: undefined }))
    assert.deepStrictEqual([unix.remoteAddress, unix.remotePort], [undefined, undefined])
    const nowhere = infoOf(new FakeRequest([], { client: ["192.0.2.1", null] }))
    assert.deepStrictEqual([nowhere.remoteAddress, nowhere.remotePort], ["192.0.2.1", undefined])
  })

  it("sends responses before the response", () => {
    const source = new FakeRequest()
    const info = infoOf(source)
    info.informational(103, { Link: "</a.css>; rel=preload" })
    info.informational(102)
    assert.deepStrictEqual(source.sent, [
      { type: "http.response.informational", status: 103, headers: [["link", "</a.css>; rel=preload"]] },
      { type: "http.response.informational", status: 102, headers: [] }
    ])
    source.drained = Effect.fail(refused("http.response.informational", "too late"))
    assert.throws(() => info.informational(103), /http.response.informational: too late/)
    source.drained = Effect.never
    info.informational(103)
  })

  it("runs Effects, until a signal is aborted", async () => {
    const info = infoOf(new FakeRequest())
    assert.strictEqual(await info.run(Effect.succeed(1)), 1)
    const failed = await info.run(Effect.fail(new RangeError("too much"))).then(assert.fail, (error: unknown) => error)
    assert.include(String(failed), "too much")
    const controller = new AbortController()
    let isInterrupted = false
    const stuck = Effect.onInterrupt(Effect.never, () =>
      Effect.sync(() => {
        isInterrupted = true
      })
    )
    const running = info.run(stuck, { signal: controller.signal })
    controller.abort()
    await running.then(assert.fail, () => {})
    assert.isTrue(isInterrupted)
  })

  it.effect("says when the server begins to stop", () =>
    Effect.gen(function* () {
      const shutdown = yield* Deferred.make<void>()
      const source = new FakeRequest([], { shuttingDown: Deferred.await(shutdown) })
      const { shuttingDown } = infoOf(source)
      assert.isFalse(shuttingDown.aborted)
      yield* Deferred.succeed(shutdown, undefined)
      yield* turn
      assert.isTrue(shuttingDown.aborted)
      assert.strictEqual(String(shuttingDown.reason), "AbortError: The server is about to stop.")
    })
  )

  it.effect("waits for that no longer than the request lasts", () =>
    Effect.gen(function* () {
      let waiting = 0
      const shuttingDown = Effect.callback<never>(() => {
        waiting++
        return Effect.sync(() => {
          waiting--
        })
      })
      const broken = feed()
      broken.error(new Error("broken"))
      const handles: Record<string, (info: FetchInfo) => unknown> = {
        light: () => new Light("a"),
        real: () => new Response("a"),
        promise: async () => new Light("a"),
        thrown: () => {
          throw new Error("oops")
        },
        broken: broken.response
      }
      for (const [name, handle] of Object.entries(handles)) {
        const { fiber } = run(
          (_request, info) => {
            assert.strictEqual(info.shuttingDown, info.shuttingDown)
            assert.strictEqual(waiting, 1)
            return handle(info)
          },
          new FakeRequest([], { shuttingDown })
        )
        yield* Fiber.await(fiber)
        yield* turn
        assert.strictEqual(waiting, 0, name)
      }
      const source = new FakeRequest([], { shuttingDown })
      const { fiber } = run((_request, info) => new Promise(() => void info.shuttingDown), source)
      assert.strictEqual(waiting, 1)
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(waiting, 0)
    })
  )
})

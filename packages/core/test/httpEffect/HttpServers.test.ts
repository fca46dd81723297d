import { assert, describe, it } from "@effect/vitest"
import type { NativeRequest } from "../../src/contract/NativeHandler.ts"
import { HttpServers } from "../../src/httpEffect/HttpServers.ts"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpEffect from "effect/http/HttpEffect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as NetAddress from "effect/net/NetAddress"
import * as Scope from "effect/Scope"

const address = NetAddress.unixPathAddress("/nowhere")

/** What the programs of these tests ask of a request. */
const request = (answers: Array<number> = []): NativeRequest => {
  const partial: Partial<NativeRequest> = {
    method: "GET",
    respond: (status) => void answers.push(status),
    onDisconnect: () => {}
  }
  return partial as NativeRequest // The programs ask for nothing else.
}

describe("HttpServers", () => {
  it.effect("sends by the copy of Effect that it was given", () =>
    Effect.gen(function* () {
      const programs: Array<unknown> = []
      const toHandled: typeof HttpEffect.toHandled = (...args) => {
        programs.push(args[0])
        return HttpEffect.toHandled(...args)
      }
      const program = Effect.succeed(HttpServerResponse.empty({ status: 202 }))
      const servers = new HttpServers(Effect.void, toHandled)
      yield* servers.service(address).serve(program)
      assert.deepStrictEqual(programs, [program])
      const answers: Array<number> = []
      yield* Effect.sync(() => servers.application.native?.(request(answers), Context.empty()))
      assert.deepStrictEqual(answers, [202])
    })
  )

  it.effect("says whether anything serves", () =>
    Effect.gen(function* () {
      const servers = new HttpServers(Effect.void)
      assert.isFalse(servers.isServing)
      yield* Effect.scoped(
        Effect.andThen(
          servers.service(address).serve(Effect.succeed(HttpServerResponse.empty())),
          Effect.sync(() => assert.isTrue(servers.isServing))
        )
      )
      assert.isFalse(servers.isServing)
    })
  )

  it.effect("waits for requests when what serves ends, but not for those that have outlived the server", () =>
    Effect.gen(function* () {
      for (const isOver of [false, true]) {
        const events: Array<string> = []
        const servers = new HttpServers(Effect.sync(() => events.push("last")))
        const scope = yield* Scope.make()
        const ended = Effect.sync(() => events.push("request"))
        const program = isOver ? Effect.never : Effect.onInterrupt(Effect.interruptible(Effect.never), () => ended)
        yield* Scope.provide(servers.service(address).serve(program), scope)
        servers.application.native?.(request(), Context.empty())
        if (isOver) yield* servers.close
        yield* Scope.close(scope, Exit.void)
        assert.deepStrictEqual(events, isOver ? [] : ["last", "request"])
      }
    })
  )
})

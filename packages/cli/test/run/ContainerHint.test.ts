import { assert, describe, it } from "@effect/vitest"
import * as ServerOptions from "@pagi/core/ServerOptions"
import * as Effect from "effect/Effect"
import * as ContainerHint from "../../src/run/ContainerHint.ts"
import { Launch } from "../../src/service/Launch.ts"
import { collecting } from "../support/Log.ts"

const hintFor = (input: ServerOptions.Input, environment: NodeJS.ProcessEnv = {}) =>
  Effect.map(ServerOptions.make(input), (options) => ContainerHint.of(options, environment))

describe("ContainerHint", () => {
  it.effect("is for servers that listen on addresses of the container itself alone", () =>
    Effect.gen(function* () {
      const rest = "cannot be reached from outside of this container;"
      const host = "--host 0.0.0.0 (PAGI_HOST) listens on all of its addresses"
      assert.strictEqual(yield* hintFor({}), `127.0.0.1:5000 ${rest} ${host}`)
      assert.strictEqual(yield* hintFor({ host: "::1", port: 80 }), `[::1]:80 ${rest} ${host}`)
      assert.include((yield* hintFor({ host: "localhost" })) ?? "", host)
      assert.strictEqual(
        yield* hintFor({ listen: ["127.0.0.2:80", "[::1]:81"] }),
        `127.0.0.2:80 and [::1]:81 ${rest} --listen 0.0.0.0:PORT (PAGI_LISTEN) listens on all of its addresses`
      )
      for (const others of [{ host: "0.0.0.0" }, { host: "::" }, { host: "web" }, { socket: "/run/a" }]) {
        assert.isUndefined(yield* hintFor(others))
      }
      assert.isUndefined(yield* hintFor({ listen: ["127.0.0.1:80", "0.0.0.0:81"] }))
      assert.isUndefined(yield* hintFor({}, { LISTEN_FDS: "1" }))
      assert.isUndefined(yield* hintFor({}, { PAGI_REUSE: "127.0.0.1:80:3" }))
    })
  )

  it.effect("is told by the first process of a container alone", () =>
    Effect.gen(function* () {
      const options = yield* ServerOptions.make({})
      const told = (isFirst: boolean) =>
        collecting(
          Effect.provideService(ContainerHint.tell(options), Launch, {
            isFirst,
            predecessor: undefined,
            channel: undefined,
            systemd: undefined
          })
        )
      assert.strictEqual((yield* told(true)).length, 1)
      assert.deepStrictEqual(yield* told(false), [])
    })
  )
})

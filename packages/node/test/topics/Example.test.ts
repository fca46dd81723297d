import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import example from "../../../../examples/15-topics.ts"
import { PagiApp } from "@pagi/core/PagiApp"
import * as TestClient from "@pagi/core/testing/TestClient"
import * as Topic from "@pagi/core/Topic"
import * as Topics from "@pagi/core/Topics"

const root = join(import.meta.dirname, "../../../..")

describe("the example of docs/topics.md", () => {
  it("is the file that is type-checked and run here", () => {
    const [, shown] = /```ts\n(.*?)```/s.exec(readFileSync(join(root, "docs/topics.md"), "utf8")) ?? []
    const file = readFileSync(join(root, "examples/15-topics.ts"), "utf8")
    assert.strictEqual(shown, file.slice(file.indexOf("import")))
  })

  it.effect("is a chat", () =>
    Effect.gen(function* () {
      const { application, context } = Context.get(yield* Layer.build(example), PagiApp)
      yield* Effect.gen(function* () {
        const client = yield* TestClient.make(application)
        const ada = yield* client.webSocket({ path: "/" })
        const ben = yield* client.webSocket({ path: "/" })
        yield* ada.send("Hello")
        for (const { receive } of [ada, ben]) assert.strictEqual(yield* receive, '{"text":"Hello"}')
        yield* ada.close()
        yield* ben.send(new Uint8Array([1]))
        assert.strictEqual(yield* ben.receive, '{"text":"(bytes)"}')
      }).pipe(Effect.provideContext(context))
    }).pipe(Effect.scoped)
  )

  it.effect("tells others what somebody has said who has left before it could be told", () =>
    Effect.gen(function* () {
      const { application, context } = Context.get(yield* Layer.build(example), PagiApp)
      yield* Effect.gen(function* () {
        const client = yield* TestClient.make(application)
        const ada = yield* client.webSocket({ path: "/" })
        const lobby = Topic.make("room/lobby", Schema.Struct({ text: Schema.String }))
        const slow = yield* Topics.subscribe(lobby, { capacity: 1, whenFull: "wait" }).pipe(
          // It is in there, as whatever the application needs.
          Effect.provideService(Topics.Topics, Context.getUnsafe(context, Topics.Topics))
        )
        for (const text of ["1", "2", "3"]) yield* ada.send(text)
        yield* Effect.forkChild(ada.close(), { startImmediately: true })
        const heard: Array<string> = []
        for (let count = 0; count < 3; count++) {
          yield* Effect.replicateEffect(Effect.yieldNow, 20, { discard: true })
          for (const { text } of yield* Queue.clear(slow)) heard.push(text)
        }
        assert.deepStrictEqual(heard, ["1", "2", "3"])
      }).pipe(Effect.provideContext(context))
    }).pipe(Effect.scoped)
  )
})

import { assert, describe, it } from "@effect/vitest"
import { tcp } from "@pagi/core/options/Endpoint"
import * as PagiApp from "@pagi/core/PagiApp"
import * as TestClient from "@pagi/core/testing/TestClient"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as EffectScope from "effect/Scope"
import { join, relative } from "node:path"
import * as AppLoader from "../../src/application/AppLoader.ts"
import { events } from "../fixtures/built.mts"
import * as Site from "../support/Site.ts"

const fixture = (name: string): string => relative(process.cwd(), join(import.meta.dirname, "../fixtures", name))

const load = (reference: string) => AppLoader.layer(reference, tcp("127.0.0.1", 8080))

/** What the application that `reference` names answers. */
const answerOf = (reference: string) =>
  Effect.gen(function* () {
    const { application } = yield* PagiApp.PagiApp
    const client = yield* TestClient.make(application)
    return (yield* client.request({})).text
  }).pipe(Effect.provide(load(fixture(reference))))

/** Why the application cannot be loaded, and the message without the path at its beginning. */
const problemOf = (path: string) =>
  Effect.gen(function* () {
    const error = yield* Effect.flip(Effect.scoped(Layer.build(load(path))))
    assert.notInclude(error.message, "\n")
    assert.isTrue(error.message.startsWith(`cannot load ${error.path}: `), error.message)
    return [error.reason._tag, error.message.slice(`cannot load ${error.path}: `.length)]
  })

describe("AppLoader", () => {
  it("reads a path with an export", () => {
    const parse = AppLoader.parseReference
    assert.deepStrictEqual(parse("./app.ts"), { path: "./app.ts", exportName: "default" })
    assert.deepStrictEqual(parse("./app.ts:admin"), { path: "./app.ts", exportName: "admin" })
    assert.deepStrictEqual(parse("a:b/app.ts:$ä_1"), { path: "a:b/app.ts", exportName: "$ä_1" })
    for (const path of ["a:b/app.ts", "app.ts:", ":admin", "app.ts:1", "app.ts:a-b"]) {
      assert.deepStrictEqual(parse(path), { path, exportName: "default" })
    }
  })

  it.effect("an application, from the default export or a named one", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* answerOf("default.ts"), "default")
      assert.strictEqual(yield* answerOf("default.ts:default"), "default")
      assert.strictEqual(yield* answerOf("default.ts:admin"), "admin")
    })
  )

  it.effect("an Effect, whose resources live as long as the layer", () =>
    Effect.gen(function* () {
      events.length = 0
      const scope = yield* EffectScope.make()
      yield* EffectScope.provide(Layer.build(load(fixture("built.mts"))), scope)
      assert.deepStrictEqual(events, ["acquired"])
      yield* EffectScope.close(scope, Exit.void)
      assert.deepStrictEqual(events, ["acquired", "released"])
      assert.strictEqual(yield* answerOf("built.mts"), "from an Effect")
    })
  )

  it.effect("a Layer", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* answerOf("built.mts:layer"), "from a Layer")
    })
  )

  it.effect("a file that is missing, or no module", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* problemOf("./nope.ts"), ["FileMissing", "there is no such file"])
      assert.deepStrictEqual(yield* problemOf("./nope.ts:admin"), ["FileMissing", "there is no such file"])
      assert.deepStrictEqual(yield* problemOf("chekc"), [
        "FileMissing",
        "there is no such file; did you mean pagi-server check?"
      ])
      assert.match((yield* problemOf("help"))[1] ?? "", /did you mean pagi-server --help\?$/)
      assert.deepStrictEqual(yield* problemOf("/dev/null"), ["FileMissing", "it is not a regular file"])
      assert.deepStrictEqual(yield* problemOf(fixture("")), ["FileMissing", "it is a directory"])
      assert.deepStrictEqual(yield* problemOf(fixture("page.html")), [
        "ExtensionUnsupported",
        ".html files are not supported; expected .ts, .mts, .js or .mjs"
      ])
    })
  )

  it.effect("an import that throws, with what and where", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* problemOf(fixture("throws.ts")), [
        "ImportFailed",
        `RangeError: this is no good (${fixture("throws.ts")}:2)`
      ])
      assert.deepStrictEqual(yield* problemOf(fixture("throws-text.mjs")), ["ImportFailed", "just text"])
    })
  )

  it.effect("an export that is not there", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* problemOf(fixture("nothing.mjs")), [
        "ExportMissing",
        "there is no default export; the module exports nothing"
      ])
      assert.deepStrictEqual(yield* problemOf(fixture("no-default.mjs")), [
        "ExportMissing",
        "there is no default export; the module exports admin, main"
      ])
      assert.deepStrictEqual(yield* problemOf(`${fixture("no-default.mjs")}:other`), [
        "ExportMissing",
        'there is no export "other"; the module exports admin, main'
      ])
    })
  )

  it.effect("an export that is of no use", () =>
    Effect.gen(function* () {
      const found = {
        default: "an object of handlers (give it to PagiApp.make)",
        number: "a number",
        text: "a string",
        nothing: "null",
        list: "an array",
        settings: "an object with port, host",
        promise: "a Promise (await it in the module, or export an Effect)",
        Application: "a class"
      }
      for (const [name, what] of Object.entries(found)) {
        const subject = name === "default" ? "the default export" : `the export "${name}"`
        const expected =
          "expected an application (PagiApp.make), a Layer that serves, an Effect that responds, or a fetch handler"
        assert.deepStrictEqual(yield* problemOf(`${fixture("useless.mjs")}:${name}`), [
          "ExportUnusable",
          `${subject} is ${what}; ${expected}`
        ])
      }
    })
  )

  it.effect("an Effect or a Layer that fails, or yields something else", () =>
    Effect.gen(function* () {
      const messages = {
        failing: /^the export "failing" failed: no database at all/,
        dying: /^the export "dying" failed: TypeError: a mistake/,
        lacking: /^the export "lacking" failed: Service not found: test\/Missing; .* Layer\.provide/,
        failingLayer: /^the export "failingLayer" failed: no reason$/,
        number: /^what the export "number" yields is a number; expected/,
        otherLayer: /^the export "otherLayer" is a Layer that neither provides PagiApp nor serves; give routes to/
      }
      for (const [name, message] of Object.entries(messages)) {
        const [, text] = yield* problemOf(`${fixture("built.mts")}:${name}`)
        assert.match(text ?? "", message)
      }
    })
  )

  it.effect("tells a failure that may pass, as that of a database, from a mistake", () =>
    Effect.gen(function* () {
      for (const [name, mayPass] of [
        ["failing", true],
        ["failingLayer", true],
        ["dying", false],
        ["lacking", false],
        ["number", false]
      ] as const) {
        const error = yield* Effect.flip(Effect.scoped(Layer.build(load(`${fixture("built.mts")}:${name}`))))
        assert.strictEqual(error.mayPass, mayPass, name)
      }
    })
  )

  it.effect("does not take a function for more than it is", () =>
    Effect.gen(function* () {
      const root = yield* Site.make({ "app.mjs": "export default (scope, receive, send) => {}" })
      const { application } = yield* PagiApp.PagiApp.pipe(Effect.provide(load(join(root, "app.mjs"))))
      assert.isFunction(application)
    })
  )
})

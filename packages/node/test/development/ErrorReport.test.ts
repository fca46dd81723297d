import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import * as ErrorReport from "../../src/development/ErrorReport.ts"
import * as StackFrames from "../../src/development/StackFrames.ts"
import { assertNotQuadratic } from "../../../../test/support/Growth.ts"
import { temporaryFolder } from "../../../../test/support/TemporaryFolder.ts"

/** An error with a stack of somebody's. */
const withStack = (message: string, ...calls: ReadonlyArray<string>): Error => {
  const error = new Error(message)
  error.stack = [`Error: ${message}`, ...calls.map((call) => `    at ${call}`)].join("\n")
  return error
}

const numbered = (lines: number): string => Array.from({ length: lines }, (_, index) => `line ${index + 1}`).join("\n")

/** A folder with files of these texts. */
const site = (files: Readonly<Record<string, string>>) =>
  Effect.map(temporaryFolder, (folder) => {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(folder, name, ".."), { recursive: true })
      writeFileSync(join(folder, name), text)
    }
    return folder
  })

describe("the calls of a stack", () => {
  const stack = [
    "Error: at nothing (file:///x.ts:1:2)",
    "    at handler (file:///srv/app/routes.ts?v=2:12:7)",
    "    at async Promise.all (index 0)",
    "    at async load (/srv/app/load%20it.js:3:1)",
    "    at new Store (file:///srv/app/node_modules/store/index.js:9:2)",
    "    at /srv/app/app.ts:1:1",
    "    at node:internal/process/task_queues:95:5",
    `    at ${"x".repeat(2000)} (/srv/app/app.ts:1:1)`,
    "no call"
  ].join("\n")

  it("are read with their places, and whose they are", () => {
    const frames = StackFrames.parse(stack.slice(stack.indexOf("\n")))
    assert.deepStrictEqual(
      frames.map(({ call, file, isOwn, line }) => [call, file, line, isOwn]),
      [
        ["handler", "/srv/app/routes.ts", 12, true],
        ["load", "/srv/app/load%20it.js", 3, true],
        ["new Store", "/srv/app/node_modules/store/index.js", 9, false],
        ["", "/srv/app/app.ts", 1, true],
        ["", "node:internal/process/task_queues", 95, false]
      ]
    )
  })

  it("are at most fifty", () => {
    assert.lengthOf(StackFrames.parse("    at f (/a.js:1:1)\n".repeat(1000)), 50)
  })

  it("cost no more than their length allows, whatever the text", () => {
    // What the text itself takes to be made is the machine's matter.
    const text = `    at ${" (x".repeat(300)}\n`.repeat(100_000)
    assertNotQuadratic(() => assert.lengthOf(StackFrames.parse(text), 0))
  })

  it("never make it throw, whatever the text", () => {
    for (const text of ["", "\n", "    at ", "    at file://%zz:1:1", "    at x (file://host/a:1:1)", "at (:1:1)"]) {
      assert.isArray(StackFrames.parse(text))
      assert.isUndefined(StackFrames.syntaxPlace(text))
    }
  })
})

describe("the report of an error", () => {
  it.effect("has the code around the first place that is the program's", () =>
    Effect.gen(function* () {
      const folder = yield* site({ "app.ts": numbered(30), "node_modules/lib/index.js": numbered(30) })
      const url = pathToFileURL(folder).href
      const [error] = ErrorReport.ofError(
        withStack("bad", `f (${url}/node_modules/lib/index.js:1:1)`, `g (${url}/app.ts:20:3)`)
      )
      assert.deepStrictEqual(error.place, { file: join(folder, "app.ts"), line: 20, column: 3 })
      assert.deepStrictEqual(
        error.source.map(({ number }) => number),
        [14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26]
      )
      assert.strictEqual(error.source[6]?.text, "line 20")
      assert.deepStrictEqual(
        error.frames.map(({ isOwn }) => isOwn),
        [false, true]
      )
    })
  )

  it.effect("has a place and no code where the file is gone, shorter now, huge or no module", () =>
    Effect.gen(function* () {
      const folder = yield* site({
        "short.ts": "one",
        "big.js": "x".repeat(5 * 2 ** 20),
        ".env": "SECRET=1",
        "key.pem": "k"
      })
      for (const name of [
        "gone.ts:1",
        "short.ts:9",
        "short.ts:0",
        "big.js:1",
        ".env:1",
        "key.pem:1",
        "/etc/passwd:1"
      ]) {
        const path = name.startsWith("/") ? name : join(folder, name)
        const [error] = ErrorReport.ofError(withStack("bad", `f (${path}:1)`))
        assert.deepStrictEqual(error.source, [], name)
        assert.isDefined(error.place, name)
      }
    })
  )

  it.effect("follows source maps, in the file and beside it, to the source", () =>
    Effect.gen(function* () {
      // Line 2, column 5 of the generated file is line 8, column 3 of the source.
      const map = { version: 3, sources: ["src/page.ts"], names: [], mappings: ";IAOE" }
      const inline = Buffer.from(JSON.stringify(map)).toString("base64")
      const folder = yield* site({
        "inline.js": `a\n    b\n//# sourceMappingURL=data:application/json;base64,${inline}\n`,
        "beside.js": "a\n    b\n//# sourceMappingURL=beside.js.map\n",
        "beside.js.map": JSON.stringify({ ...map, sourcesContent: [numbered(9)] }),
        "broken.js": "a\n    b\n//# sourceMappingURL=broken.js.map\n",
        "broken.js.map": "{",
        "nowhere.js": "a\n    b\n//# sourceMappingURL=nowhere.js.map\n",
        "nowhere.js.map": JSON.stringify({ ...map, sources: ["file://host/%zz"] }),
        "remote.js": "a\n    b\n//# sourceMappingURL=https://example.com/x.map\n",
        "src/other.ts": ""
      })
      for (const name of ["inline.js", "beside.js"]) {
        const [error] = ErrorReport.ofError(withStack("bad", `f (${join(folder, name)}:2:5)`))
        assert.deepStrictEqual(error.place, { file: join(folder, "src/page.ts"), line: 8, column: 3 }, name)
        // Where the source itself is not there, the map may have it.
        assert.strictEqual(error.source.length > 0, name === "beside.js")
        assert.notProperty(error.frames[0], "content")
      }
      for (const name of ["broken.js", "remote.js", "nowhere.js"]) {
        const [error] = ErrorReport.ofError(withStack("bad", `f (${join(folder, name)}:2:5)`))
        assert.deepStrictEqual(error.place, { file: join(folder, name), line: 2, column: 5 }, name)
      }
    })
  )

  it.effect("has the place of a syntax error, which no call is at", () =>
    Effect.gen(function* () {
      const folder = yield* site({ "app.ts": "const a = 1\nconst b = = 2\n" })
      const error = new SyntaxError("Unexpected token '='")
      error.stack = `${join(folder, "app.ts")}:2\nconst b = = 2\n          ^\n\nSyntaxError: Unexpected token '='\n    at node:internal:1:1`
      const [reported] = ErrorReport.ofError(error)
      assert.deepStrictEqual(reported.place, { file: join(folder, "app.ts"), line: 2, column: 11 })
      assert.strictEqual(reported.source[1]?.text, "const b = = 2")
    })
  )

  it("takes no line of a message for a call", () => {
    const [error] = ErrorReport.ofError(withStack("told\n    at f (/etc/app.ts:1:1)", "g (/srv/app.ts:2:2)"))
    assert.deepStrictEqual(
      error.frames.map(({ call }) => call),
      ["g"]
    )
  })

  it("has what an error came from, once each and five at most", () => {
    const loop = new Error("loop")
    loop.cause = new Error("inner", { cause: loop })
    assert.deepStrictEqual(
      ErrorReport.ofError(loop).map(({ message }) => message),
      ["loop", "inner", "loop"]
    )
    let chain = new Error("0")
    for (let index = 1; index < 20; index++) chain = new Error(String(index), { cause: chain })
    assert.lengthOf(ErrorReport.ofError(chain), 6)
  })

  it("is made of whatever was thrown", () => {
    const hostile = new Error("hostile")
    Object.defineProperty(hostile, "stack", {
      get: () => {
        throw new Error("no stack")
      }
    })
    Object.defineProperty(hostile, "message", { value: 7 })
    const causes: ReadonlyArray<readonly [Cause.Cause<unknown>, string]> = [
      [Cause.die("text"), "text"],
      [Cause.fail({ _tag: "NotFound", message: "not there" }), "not there"],
      [Cause.fail(undefined), "undefined"],
      [Cause.die(hostile), "an error without a message"],
      [Cause.die(new Error("")), "an error without a message"],
      [Cause.die(new Error("x".repeat(10_000))), `${"x".repeat(4000)}…`]
    ]
    for (const [cause, message] of causes) assert.include(ErrorReport.ofCause(cause)[0].message, message)
  })
})

describe("the report of code that cannot be loaded", () => {
  it.effect("has the code that was there, or that of the source", () =>
    Effect.gen(function* () {
      const map = { version: 3, sources: ["page.ts"], names: [], mappings: ";IAOE" }
      const folder = yield* site({
        "app.js": "gone",
        "out.js": "a\n    b\n//# sourceMappingURL=out.js.map\n",
        "out.js.map": JSON.stringify(map),
        "page.ts": numbered(9)
      })
      const around = { around: ["a", "b", "c"], firstLine: 4 }
      const [known] = ErrorReport.ofProblem({
        message: "cannot load it",
        stack: `Error: it\n    at f (${folder}/app.js:5:2)`,
        place: { file: join(folder, "app.js"), line: 5, column: 2, ...around }
      })
      assert.deepStrictEqual(known.place, { file: join(folder, "app.js"), line: 5, column: 2 })
      assert.deepStrictEqual(known.source, [
        { number: 4, text: "a" },
        { number: 5, text: "b" },
        { number: 6, text: "c" }
      ])
      assert.deepStrictEqual([known.name, known.message, known.frames[0]?.call], ["", "cannot load it", "f"])
      const [vague] = ErrorReport.ofProblem({
        message: "m",
        place: { file: join(folder, "app.js"), line: 5, ...around }
      })
      assert.deepStrictEqual(vague.place, { file: join(folder, "app.js"), line: 5, column: undefined })
      const place = { file: join(folder, "out.js"), line: 2, column: 5, ...around }
      const [generated] = ErrorReport.ofProblem({ message: "m", place })
      assert.deepStrictEqual(generated.place, { file: join(folder, "page.ts"), line: 8, column: 3 })
      assert.include(
        generated.source,
        generated.source.find(({ text }) => text === "line 8")
      )
    })
  )

  it.effect("has the line that names what is not there", () =>
    Effect.gen(function* () {
      const folder = yield* site({
        "app.ts": 'const missing = 1\nimport { a } from "./missing.ts"\n',
        ".env": "import missing"
      })
      const reported = (message: string) => ErrorReport.ofProblem({ message })[0]
      const app = join(folder, "app.ts")
      const [module, anywhere, env, other] = [
        reported(`cannot load ./app.ts: Cannot find module '${folder}/missing.ts' imported from ${app}`),
        reported(`cannot load ./app.ts: Cannot find package 'nowhere' imported from ${app}`),
        reported(`cannot load ./app.ts: Cannot find module '${folder}/missing.ts' imported from ${folder}/.env`),
        reported("cannot load ./app.ts: there is no such file")
      ]
      assert.deepStrictEqual(module.place, { file: app, line: 2, column: 22 })
      assert.strictEqual(module.source[1]?.text, 'import { a } from "./missing.ts"')
      for (const none of [anywhere, env, other]) assert.deepStrictEqual([none.place, none.source], [undefined, []])
    })
  )
})

import { assert, describe, it } from "vitest"
import { spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import type { Outcome } from "../../scripts/conformance/effect/cases.ts"
import { compare } from "../../scripts/conformance/effect/comparison.ts"

const script = join(import.meta.dirname, "../../scripts/conformance/effect.ts")

/** A program that stands for one of Effect's test files, which are not here. */
const tests = `import { NodeHttpServer } from "@effect/platform-node"
import * as SamePlatform from "@effect/platform-node/NodeHttpServer"
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { HttpClient, HttpRouter, HttpServerResponse } from "effect/unstable/http"
import { word } from "./fixtures/word.ts"

it.effect("answers", () =>
  Effect.gen(function*() {
    yield* Layer.build(HttpRouter.serve(HttpRouter.add("GET", "/", HttpServerResponse.text(word))))
    const response = yield* HttpClient.get("/")
    assert.strictEqual(yield* response.text, "word")
  }).pipe(Effect.provide(NodeHttpServer.layerTest)))

it("is the same by both names", () => assert.strictEqual(SamePlatform.layer, NodeHttpServer.layer))

it("fails everywhere", () => assert.fail("no server can"))

it.skip("is not run", () => {})
`

/** Passes on Node's server, which takes an object of Node's. */
const nodeOnly = `
it.effect("takes objects of Node's", () =>
  Effect.map(Effect.scoped(NodeHttpServer.makeHandler(Effect.succeed(HttpServerResponse.empty()), { scope: undefined })),
    (handler) => assert.isFunction(handler)))
`

const run = (files: Readonly<Record<string, string>>, args: (folder: string) => ReadonlyArray<string>) => {
  const folder = mkdtempSync(join(tmpdir(), "pagi-checkout-"))
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true })
      writeFileSync(join(folder, name), text)
    }
    const temporary = join(folder, "temporary")
    mkdirSync(temporary)
    // Of the tests around, it would take itself to be a worker.
    const { VITEST: _, ...environment } = process.env
    const options = { encoding: "utf8", env: { ...environment, TMPDIR: temporary } } as const
    const { status, stderr, stdout } = spawnSync(process.execPath, [script, ...args(folder)], options)
    return { status, stderr, stdout, left: readdirSync(temporary) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const place = "packages/platform/node/test"

const fixture = { [`${place}/fixtures/word.ts`]: `export const word: string = "word"` }

describe("the script that runs Effect's tests", () => {
  it("runs those that are present on both servers, and leaves nothing behind", () => {
    const { left, status, stderr, stdout } = run(
      { ...fixture, [`${place}/NodeHttpServer.test.ts`]: tests },
      (folder) => [folder]
    )
    assert.strictEqual(status, 0, stdout + stderr)
    assert.match(stdout, /^NodeHttpServer\.test\.ts +3 +2 +2$/m)
    assert.match(stdout, /Fails on both.*\n {2}NodeHttpServer\.test\.ts > fails everywhere\n {4}no server can/)
    assert.match(stdout, /left out.*: HttpApi\.test\.ts/)
    assert.deepStrictEqual(left, [])
  })

  it("fails when a case passes on NodeHttpServer and not here", () => {
    const files = { ...fixture, [`${place}/NodeHttpServer.test.ts`]: tests + nodeOnly }
    const { status, stdout, stderr } = run(files, (folder) => [folder, "NodeHttp"])
    assert.strictEqual(status, 1, stdout + stderr)
    assert.match(stdout, /not here:\n {2}NodeHttpServer\.test\.ts > takes objects of Node's\n {4}this takes requests/)
  })

  it("says what is wrong with a path", () => {
    for (const [files, args, problem] of [
      [{}, () => [], /^usage: /],
      [{}, (folder: string) => [join(folder, "none")], /^there is no .*none\n/],
      [{ file: "" }, (folder: string) => [join(folder, "file")], /^.*file is not a folder\n/],
      [{}, (folder: string) => [folder], /is not a checkout of Effect: it has no packages\/platform\/node\/test/],
      [fixture, (folder: string) => [folder], /has none of the test files: NodeHttpServer\.test\.ts/],
      [fixture, (folder: string) => [folder, "Bun"], /none of NodeHttpServer.* begins with Bun/]
    ] as const) {
      const { status, stderr } = run(files, args)
      assert.strictEqual(status, 2)
      assert.match(stderr, problem)
    }
  })
})

describe("the comparison", () => {
  const outcomes = (states: Readonly<Record<string, Outcome["state"]>>) =>
    new Map(Object.entries(states).map(([name, state]): readonly [string, Outcome] => [`A > ${name}`, { state }]))

  it("tells cases that one server passes from those that the other does, and exceptions from failures", () => {
    const here = outcomes({ both: "passed", ours: "passed", theirs: "failed", excused: "failed", skipped: "skipped" })
    const there = outcomes({ both: "passed", ours: "failed", theirs: "passed", excused: "passed", gone: "passed" })
    const excuses = ["A > excused", "A > both", "B > elsewhere"].map((name) => ({ name, reason: "it is so" }))
    const { better, needless, neither, rows, worse } = compare(here, there, excuses)
    assert.deepStrictEqual(rows, [{ file: "A", cases: 5, here: 2, there: 4 }])
    assert.deepStrictEqual(
      worse.map(({ name, problem, reason }) => [name, problem, reason]),
      [
        ["A > theirs", "failed", undefined],
        ["A > excused", "failed", "it is so"],
        ["A > gone", "it was not run", undefined]
      ]
    )
    assert.deepStrictEqual([better, neither, needless], [["A > ours"], [], ["A > both"]])
  })
})

import { assert, describe, it } from "@effect/vitest"
import type { HeaderBlock } from "@pagi/core/HeaderBlock"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { statSync, utimesSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as DirectoryClient from "../support/DirectoryClient.ts"

const modified = "Tue, 14 Nov 2023 22:13:20 GMT"
const earlier = "Tue, 14 Nov 2023 22:13:19 GMT"
const later = "Tue, 14 Nov 2023 22:13:21 GMT"

/** A client for one file of ten bytes, and its entity tag. */
const setUp = Effect.gen(function* () {
  const site = yield* DirectoryClient.make({ "file.txt": "0123456789" })
  const path = join(site.root, "file.txt")
  utimesSync(path, 1_700_000_000, 1_700_000_000)
  const request = (headers: HeaderBlock, method = "GET") => site.client.request({ method, path: "/file.txt", headers })
  const entityTag = (yield* request([])).header("etag") ?? ""
  return { path, request, entityTag }
})

describe("Directory: conditional requests", () => {
  it.effect("If-None-Match", () =>
    Effect.gen(function* () {
      const { entityTag, request } = yield* setUp
      for (const value of [entityTag, `W/${entityTag}`, `"x", ${entityTag}`, "*", `"a,b" ,${entityTag}`]) {
        const response = yield* request([["if-none-match", value]])
        assert.deepStrictEqual([response.status, response.text, response.header("etag")], [304, "", entityTag], value)
        assert.isUndefined(response.header("content-length"))
        assert.isUndefined(response.header("content-type"))
      }
      const repeated = yield* request([
        ["if-none-match", '"x"'],
        ["if-none-match", entityTag]
      ])
      assert.strictEqual(repeated.status, 304)
      assert.strictEqual((yield* request([["if-none-match", entityTag]], "HEAD")).status, 304)
      for (const value of ['"x"', entityTag.slice(1, -1), "", `"${entityTag.slice(1, -2)}"`]) {
        assert.strictEqual((yield* request([["if-none-match", value]])).status, 200, value)
      }
    })
  )

  it.effect("If-Modified-Since, unless there is If-None-Match", () =>
    Effect.gen(function* () {
      const { request } = yield* setUp
      const status = (headers: HeaderBlock) => Effect.map(request(headers), (response) => response.status)
      assert.strictEqual(yield* status([["if-modified-since", modified]]), 304)
      assert.strictEqual(yield* status([["if-modified-since", later]]), 304)
      assert.strictEqual(yield* status([["if-modified-since", "Tuesday, 14-Nov-23 22:13:20 GMT"]]), 304)
      assert.strictEqual(yield* status([["if-modified-since", earlier]]), 200)
      assert.strictEqual(yield* status([["if-modified-since", "yesterday"]]), 200)
      assert.strictEqual(
        yield* status([
          ["if-modified-since", later],
          ["if-none-match", '"x"']
        ]),
        200
      )
    })
  )

  it.effect("If-Match and If-Unmodified-Since", () =>
    Effect.gen(function* () {
      const { entityTag, request } = yield* setUp
      const status = (headers: HeaderBlock) => Effect.map(request(headers), (response) => response.status)
      assert.strictEqual(yield* status([["if-match", `"x", ${entityTag}`]]), 200)
      assert.strictEqual(yield* status([["if-match", "*"]]), 200)
      assert.strictEqual(yield* status([["if-match", `W/${entityTag}`]]), 412)
      assert.strictEqual(
        yield* status([
          ["if-match", '"x"'],
          ["if-none-match", entityTag]
        ]),
        412
      )
      assert.strictEqual(yield* status([["if-unmodified-since", modified]]), 200)
      assert.strictEqual(yield* status([["if-unmodified-since", earlier]]), 412)
      assert.strictEqual(
        yield* status([
          ["if-unmodified-since", earlier],
          ["if-match", entityTag]
        ]),
        200
      )
    })
  )

  it.effect("the tag changes with the content, even if size and date do not", () =>
    Effect.gen(function* () {
      const { entityTag, path, request } = yield* setUp
      writeFileSync(path, "9876543210")
      utimesSync(path, 1_700_000_000, 1_700_000_000)
      const response = yield* request([["if-none-match", entityTag]])
      assert.deepStrictEqual([response.status, response.text], [200, "9876543210"])
    })
  )

  it.effect("the tag of a file that changed a moment ago is weak, and its date never in the future", () =>
    Effect.gen(function* () {
      const { path, request } = yield* setUp
      const now = statSync(path).ctimeMs + 900
      utimesSync(path, now, now / 1000 + 3600)
      yield* TestClock.setTime(now)
      const response = yield* request([])
      const entityTag = response.header("etag") ?? ""
      assert.match(entityTag, /^W\/"[^"]+"$/)
      assert.strictEqual(response.header("last-modified"), new Date(now).toUTCString())
      assert.strictEqual((yield* request([["if-none-match", entityTag]])).status, 304)
      assert.strictEqual(
        (yield* request([
          ["range", "bytes=0-1"],
          ["if-range", entityTag]
        ])).status,
        200
      )
      const date = response.header("last-modified") ?? ""
      assert.strictEqual(
        (yield* request([
          ["range", "bytes=0-1"],
          ["if-range", date]
        ])).status,
        200
      )
      assert.strictEqual((yield* request([["range", "bytes=0-1"]])).status, 206)
      assert.strictEqual((yield* request([["if-match", entityTag]])).status, 412)
    })
  )
})

describe("Directory: ranges", () => {
  it.effect("a part", () =>
    Effect.gen(function* () {
      const { entityTag, request } = yield* setUp
      const parts = [
        ["0-0", "0", "0-0"],
        ["2-4", "234", "2-4"],
        ["7-", "789", "7-9"],
        ["-2", "89", "8-9"],
        ["5-99", "56789", "5-9"]
      ]
      for (const [range = "", text, contentRange] of parts) {
        const response = yield* request([["range", `bytes=${range}`]])
        assert.deepStrictEqual([response.status, response.text], [206, text], range)
        assert.strictEqual(response.header("content-range"), `bytes ${contentRange}/10`)
        assert.strictEqual(response.header("content-length"), String(text?.length))
        assert.strictEqual(response.header("etag"), entityTag)
      }
    })
  )

  it.effect("a part that does not exist", () =>
    Effect.gen(function* () {
      const { request } = yield* setUp
      const response = yield* request([["range", "bytes=10-"]])
      assert.deepStrictEqual([response.status, response.header("content-range")], [416, "bytes */10"])
    })
  )

  it.effect("the whole file for lists, nonsense, repeated fields and HEAD", () =>
    Effect.gen(function* () {
      const { request } = yield* setUp
      for (const range of ["bytes=0-1,4-5", `bytes=${"0-,".repeat(1000)}0-`, "bytes=5-2", "items=0-1", "bytes"]) {
        const response = yield* request([["range", range]])
        assert.deepStrictEqual([response.status, response.text], [200, "0123456789"], range)
      }
      assert.strictEqual(
        (yield* request([
          ["range", "bytes=0-1"],
          ["range", "bytes=2-3"]
        ])).status,
        200
      )
      const head = yield* request([["range", "bytes=0-1"]], "HEAD")
      assert.deepStrictEqual([head.status, head.header("content-length")], [200, "10"])
    })
  )

  it.effect("If-Range", () =>
    Effect.gen(function* () {
      const { entityTag, request } = yield* setUp
      const status = (value: string, range = "bytes=0-1") =>
        Effect.map(
          request([
            ["range", range],
            ["if-range", value]
          ]),
          (response) => response.status
        )
      assert.strictEqual(yield* status(entityTag), 206)
      assert.strictEqual(yield* status(`W/${entityTag}`), 200)
      assert.strictEqual(yield* status('"x"'), 200)
      assert.strictEqual(yield* status(modified), 206)
      assert.strictEqual(yield* status("Tuesday, 14-Nov-23 22:13:20 GMT"), 206)
      for (const other of [earlier, later, "soon", "", "*", `${entityTag}, ${entityTag}`]) {
        assert.strictEqual(yield* status(other), 200, other)
      }
      assert.strictEqual(yield* status('"x"', "bytes=99-"), 200)
      assert.strictEqual(yield* status(entityTag, "bytes=99-"), 416)
    })
  )

  it.effect("preconditions come first", () =>
    Effect.gen(function* () {
      const { entityTag, request } = yield* setUp
      assert.strictEqual(
        (yield* request([
          ["range", "bytes=0-1"],
          ["if-none-match", entityTag]
        ])).status,
        304
      )
      assert.strictEqual(
        (yield* request([
          ["range", "bytes=99-"],
          ["if-match", '"x"']
        ])).status,
        412
      )
    })
  )
})

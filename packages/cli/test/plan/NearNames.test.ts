import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { distance, find } from "../../src/plan/NearNames.ts"

describe("NearNames", () => {
  it("counts letters that are changed, added, left out or swapped", () => {
    for (const [from, to, edits] of [
      ["port", "port", 0],
      ["prot", "port", 1],
      ["por", "port", 1],
      ["porte", "port", 1],
      ["part", "port", 1],
      ["", "port", 4],
      ["cert", "port", 2],
      ["workers", "wrokesr", 2]
    ] as const) {
      assert.strictEqual(distance(from, to), edits, `${from} ${to}`)
      assert.strictEqual(distance(to, from), edits, `${to} ${from}`)
    }
  })

  it.prop("is never more than the longer text has letters", [Schema.String, Schema.String], ([from, to]) => {
    const edits = distance(from, to)
    assert.isAtMost(edits, Math.max(from.length, to.length))
    assert.isAtLeast(edits, Math.abs(from.length - to.length))
  })

  it("finds what is near, what has the same last word, and what begins with it", () => {
    const known = ["port", "pid", "ssl-cert", "max-body-size", "max-header-size", "max-header-count", "max-requests"]
    const found = {
      prot: ["port"],
      Port: ["port"],
      cert: ["ssl-cert"],
      maxBodySize: ["max-body-size"],
      max_body_size: ["max-body-size"],
      "max-boddy-sice": ["max-body-size"],
      "max-body": ["max-body-size"],
      "max-header": ["max-header-size", "max-header-count"],
      size: ["max-body-size", "max-header-size"],
      // Too many to be of help.
      max: [],
      // Short names are soon something else.
      bind: [],
      p: [],
      "": [],
      "something-else": []
    }
    for (const [name, names] of Object.entries(found)) assert.deepStrictEqual(find(name, known), names, name)
  })
})

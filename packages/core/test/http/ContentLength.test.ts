import { assert, describe, it } from "@effect/vitest"
import { contentLengthToSend, lengthProblem, readContentLength } from "../../src/http/ContentLength.ts"

describe("readContentLength", () => {
  it("takes one decimal number, and equal ones for one", () => {
    assert.strictEqual(readContentLength("5", undefined), 5)
    assert.strictEqual(readContentLength("0", 0), 0)
    assert.strictEqual(readContentLength("05", 5), 5)
    assert.isUndefined(readContentLength("5", 6))
    assert.isUndefined(readContentLength("5", 0))
    assert.isUndefined(readContentLength("five", undefined))
  })
})

describe("contentLengthToSend", () => {
  it("is none with 1xx and 204, and 0 with 205, whatever the application says", () => {
    for (const status of [101, 103, 204]) assert.isUndefined(contentLengthToSend(status, 5, 5, false, false))
    assert.strictEqual(contentLengthToSend(205, 5, 5, false, false), 0)
    assert.strictEqual(contentLengthToSend(205, undefined, undefined, true, true), 0)
  })

  it("is what the application has stated", () => {
    for (const trailers of [false, true]) {
      assert.strictEqual(contentLengthToSend(200, 5, 7, false, trailers), 5)
      assert.strictEqual(contentLengthToSend(200, 5, undefined, true, trailers), 5)
      assert.strictEqual(contentLengthToSend(304, 5, 0, false, trailers), 5)
    }
  })

  it("is the length of what is complete without trailers", () => {
    assert.strictEqual(contentLengthToSend(200, undefined, 7, false, false), 7)
    assert.strictEqual(contentLengthToSend(200, undefined, 0, false, false), 0)
    assert.isUndefined(contentLengthToSend(200, undefined, undefined, false, false))
    assert.isUndefined(contentLengthToSend(200, undefined, 7, false, true))
  })

  it("is not made up for 304, nor for HEAD of empty content", () => {
    assert.isUndefined(contentLengthToSend(304, undefined, 7, false, false))
    assert.isUndefined(contentLengthToSend(200, undefined, 0, true, false))
    assert.strictEqual(contentLengthToSend(200, undefined, 7, true, false), 7)
    assert.isUndefined(contentLengthToSend(200, undefined, 7, true, true))
  })
})

describe("lengthProblem", () => {
  it("is none without a stated length", () => {
    assert.isUndefined(lengthProblem(undefined, 5, false))
    assert.isUndefined(lengthProblem(undefined, 0, true))
  })

  it("is none for pieces that come to the stated length", () => {
    assert.isUndefined(lengthProblem(5, 5, true))
    assert.isUndefined(lengthProblem(5, 5, false))
    assert.isUndefined(lengthProblem(5, 4, false))
    assert.isUndefined(lengthProblem(0, 0, true))
  })

  it("tells how much too long or too short the content is", () => {
    for (const ends of [false, true]) {
      assert.strictEqual(lengthProblem(5, 8, ends), "the body exceeds content-length by 3 bytes")
    }
    assert.strictEqual(lengthProblem(5, 3, true), "the body ends 2 bytes before its content-length")
  })
})

import { assert, describe, it } from "@effect/vitest"
import type { HeaderBlock } from "../../src/http/HeaderBlock.ts"
import * as RequestIds from "../../src/server/RequestIds.ts"

const proxy = { client: ["10.0.0.1", 1], server: undefined, secure: false } as const
const stranger = { client: ["192.0.2.7", 1], server: undefined, secure: false } as const
const isTrusted: RequestIds.IsTrusted = ({ client }) => client?.[0] === "10.0.0.1"

const trusting = () => new RequestIds.RequestIds(isTrusted, true)
const from = (...ids: ReadonlyArray<string>): { readonly headers: HeaderBlock } => ({
  headers: ids.map((id) => ["x-request-id", id])
})

describe("RequestIds", () => {
  it("are none by default, and taken from others only if they are trusted", () => {
    assert.isUndefined(RequestIds.make({ requestId: "off", sendRequestId: false }, isTrusted))
    const making = RequestIds.make({ requestId: "make", sendRequestId: false }, isTrusted)
    assert.match(making?.identify(from("theirs"), proxy).requestId ?? "", /-1$/)
    const taking = RequestIds.make({ requestId: "trust", sendRequestId: false }, isTrusted)
    assert.strictEqual(taking?.identify(from("theirs"), proxy).requestId, "theirs")
    assert.match(taking?.identify(from("theirs"), stranger).requestId ?? "", /-1$/)
    const deaf = RequestIds.make({ requestId: "trust", sendRequestId: false }, undefined)
    assert.match(deaf?.identify(from("theirs"), proxy).requestId ?? "", /-1$/)
  })

  it("are another for each exchange, and for each server", () => {
    const ids = trusting()
    const others = trusting()
    const all = Array.from({ length: 1000 }, () => [ids.next(), others.next()]).flat()
    assert.strictEqual(new Set(all).size, 2000)
    assert.isTrue(all.every(RequestIds.isSane))
  })

  it.each(["a", "x".repeat(128), "9f1c8a8e-6d0d-4f0e-8a0b-3b9f0c6a1b2c", "Root=1-67891233:abc/def+g@h~i_j.k="])(
    "takes %j",
    (id) => {
      assert.strictEqual(trusting().identify(from(id), proxy).requestId, id)
    }
  )

  it.each(["", " ", "x".repeat(129), "a b", "a\tb", 'a"b', "a,b", "a\\b", "<a>", "a\x7f", "\xe4", "a;b"])(
    "makes one in place of %j",
    (id) => {
      assert.match(trusting().identify(from(id), proxy).requestId, /^[0-9a-z]{12}-1$/)
    }
  )

  it("are the only field of that name, and leave the rest of a head as it is", () => {
    const headers: HeaderBlock = [["a", "1"], ...from("b", "c").headers, ["d", "2"]]
    const head = { method: "GET", headers }
    assert.deepStrictEqual(trusting().identify(head, proxy), {
      method: "GET",
      headers: [
        ["a", "1"],
        ["d", "2"],
        ["x-request-id", "b"]
      ],
      requestId: "b"
    })
    assert.lengthOf(head.headers, 4)
  })

  it("are sent if they are to be, and the application has sent none", () => {
    const fields = [["a", "1"]] as const
    assert.deepStrictEqual(trusting().fieldsOf(fields, "id"), [
      ["a", "1"],
      ["x-request-id", "id"]
    ])
    assert.strictEqual(trusting().fieldsOf(fields, undefined), fields)
    const own = [["X-Request-Id", "own"]] as const
    assert.strictEqual(trusting().fieldsOf(own, "id"), own)
    assert.strictEqual(new RequestIds.RequestIds(isTrusted, false).fieldsOf(fields, "id"), fields)
  })
})

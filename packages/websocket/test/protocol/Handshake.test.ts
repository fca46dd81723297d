import type { HeaderBlock } from "@pagi/core/HeaderBlock"
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import {
  acceptKeyInput,
  type Handshake,
  type HandshakeProblem,
  type HandshakeRequest,
  readHandshake,
  responseFields
} from "../../src/protocol/Handshake.ts"
import { bytes, oneOf } from "../support/Generators.ts"

const key = "dGhlIHNhbXBsZSBub25jZQ=="

const keyField = ["sec-websocket-key", key] as const
const versionField = ["sec-websocket-version", "13"] as const

const request = (headers: HeaderBlock, changes: Partial<HandshakeRequest> = {}): HandshakeRequest => ({
  method: "GET",
  httpVersion: "1.1",
  headers,
  ...changes
})

/** A sound request over HTTP/1.1 with these fields too. */
const upgrade = (...headers: HeaderBlock): HandshakeRequest => request([keyField, versionField, ...headers])

/** A sound request over HTTP/2 with these fields too. */
const connect = (...headers: HeaderBlock): HandshakeRequest => ({
  method: "CONNECT",
  httpVersion: "2",
  headers: [versionField, ...headers]
})

const accepted = (head: HandshakeRequest): Handshake => {
  const handshake = readHandshake(head)
  if ("type" in handshake) throw new Error(`refused: ${handshake.message}`)
  return handshake
}

const refused = (head: HandshakeRequest): HandshakeProblem => {
  const problem = readHandshake(head)
  if (!("type" in problem)) throw new Error("accepted")
  assert.match(problem.message, /^[ -~]+$/)
  return problem
}

const statusOf = (head: HandshakeRequest): number => {
  const handshake = readHandshake(head)
  return "type" in handshake ? handshake.status : 101
}

describe("RFC 6455 §4.2.1: the request", () => {
  it("the example of §1.3", () => {
    const head = upgrade(["sec-websocket-protocol", "chat, superchat"], ["origin", "http://example.com"])
    assert.deepStrictEqual(accepted(head), { key, subprotocols: ["chat", "superchat"], extensions: undefined })
  })

  it("nothing but key and version is needed", () => {
    assert.deepStrictEqual(accepted(upgrade()), { key, subprotocols: [], extensions: undefined })
  })

  it("any other method → 400", () => {
    for (const method of ["POST", "HEAD", "get", "CONNECT", ""]) {
      assert.strictEqual(statusOf(request([keyField, versionField], { method })), 400, method)
    }
  })
})

describe("RFC 6455 §4.1: Sec-WebSocket-Key", () => {
  it("missing or repeated → 400", () => {
    assert.strictEqual(statusOf(request([versionField])), 400)
    assert.strictEqual(statusOf(upgrade(keyField)), 400)
    assert.strictEqual(statusOf(upgrade(["sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA=="])), 400)
  })

  it("anything but base64 of 16 bytes → 400", () => {
    const malformed = [
      "",
      "dGhlIHNhbXBsZSBub25jZQ",
      "dGhlIHNhbXBsZSBub25jZQ=",
      "dGhlIHNhbXBsZSBub25jZQ===",
      "dGhlIHNhbXBsZSBub25jZR==",
      "dGhlIHNhbXBsZSBub25jZ===",
      "dGhlIHNhbXBsZSBub25jZSE=",
      "dGhlIHNhbXBsZSBub25j",
      "dGhlIHNhbXBsZSBub25jZSEhISE=",
      "dGhl-HNhbXBsZSBub25jZQ==",
      "dGhl_HNhbXBsZSBub25jZQ==",
      "dGhl HNhbXBsZSBub25jZQ==",
      `${key} `,
      `${key}\n`,
      `${key}, ${key}`
    ]
    for (const value of malformed) {
      assert.strictEqual(statusOf(request([versionField, ["sec-websocket-key", value]])), 400, JSON.stringify(value))
    }
  })

  it.prop(
    "base64 of any 16 bytes is accepted, of other lengths refused",
    [bytes(20), Arbitrary.array(oneOf(0, 127, 255), { minLength: 16, maxLength: 16 })],
    ([text, sixteen]) => {
      const encode = (array: Uint8Array): string => Buffer.from(array).toString("base64")
      const whole = Uint8Array.from(sixteen)
      for (let index = 0; index < text.length; index++) whole[index % 16] = text.charCodeAt(index)
      const statusFor = (value: string): number => statusOf(request([versionField, ["sec-websocket-key", value]]))
      assert.strictEqual(statusFor(encode(whole)), 101)
      if (text.length !== 16) assert.strictEqual(statusFor(encode(Buffer.from(text, "latin1"))), 400)
    }
  )
})

describe("RFC 6455 §4.4: Sec-WebSocket-Version", () => {
  it("anything but 13 → 426, which says what is spoken", () => {
    const expected = [
      ["upgrade", "websocket"],
      ["connection", "upgrade"],
      ["sec-websocket-version", "13"]
    ]
    for (const value of ["8", "0", "", "14", "013", "13, 8", "1 3", "+13"]) {
      const problem = refused(request([keyField, ["sec-websocket-version", value]]))
      assert.strictEqual(problem.status, 426, value)
      assert.deepStrictEqual<unknown>(problem.headers, expected)
    }
    assert.deepInclude(refused(request([keyField])), { status: 426 })
  })

  it("is judged before the key, of which another version may think otherwise", () => {
    assert.strictEqual(statusOf(request([["sec-websocket-version", "99"]])), 426)
  })

  it("more than one → 400", () => {
    assert.strictEqual(statusOf(upgrade(versionField)), 400)
    assert.strictEqual(statusOf(upgrade(["sec-websocket-version", "8"])), 400)
  })

  it("over HTTP/2 the answer has no Upgrade, which does not exist there (RFC 9113 §8.2.2)", () => {
    const problem = refused({ method: "CONNECT", httpVersion: "2", headers: [["sec-websocket-version", "8"]] })
    assert.strictEqual(problem.status, 426)
    assert.deepStrictEqual(problem.headers, [["sec-websocket-version", "13"]])
  })
})

describe("Sec-WebSocket-Protocol", () => {
  const subprotocolsOf = (...values: ReadonlyArray<string>): ReadonlyArray<string> =>
    accepted(upgrade(...values.map((value) => ["sec-websocket-protocol", value] as const))).subprotocols

  it("is a list over all fields, in order", () => {
    assert.deepStrictEqual(subprotocolsOf("chat"), ["chat"])
    assert.deepStrictEqual(subprotocolsOf("b ,a", "\tc\t, d.v1+json"), ["b", "a", "c", "d.v1+json"])
    assert.deepStrictEqual(subprotocolsOf("chat, Chat"), ["chat", "Chat"])
    assert.deepStrictEqual(subprotocolsOf(), [])
  })

  it("with anything but tokens → 400", () => {
    for (const value of ["", ",", "a,", ",a", "a,,b", "a b", "a/b", '"a"', "a;b", "\xe9", "a=b", "\xa0a", "a\0"]) {
      assert.strictEqual(statusOf(upgrade(["sec-websocket-protocol", value])), 400, JSON.stringify(value))
    }
  })

  it("with an element twice → 400", () => {
    assert.strictEqual(statusOf(upgrade(["sec-websocket-protocol", "a, b, a"])), 400)
    assert.strictEqual(statusOf(upgrade(["sec-websocket-protocol", "a"], ["sec-websocket-protocol", "a"])), 400)
  })
})

describe("Sec-WebSocket-Extensions", () => {
  const extensionsOf = (...values: ReadonlyArray<string>): string | undefined =>
    accepted(upgrade(...values.map((value) => ["sec-websocket-extensions", value] as const))).extensions

  it("is one list over all fields", () => {
    assert.isUndefined(extensionsOf())
    assert.strictEqual(extensionsOf("a; b=1"), "a; b=1")
    assert.strictEqual(extensionsOf("a", "b, c"), "a, b, c")
    assert.strictEqual(extensionsOf(""), "")
  })

  it("that does not have the form of one → 400 (RFC 6455 §9.1)", () => {
    for (const value of ["a b", "a;", ";a", 'a; b="', "a; b=", "a=b", "@"]) {
      assert.strictEqual(statusOf(upgrade(["sec-websocket-extensions", value])), 400, value)
    }
  })
})

describe("RFC 8441 §5: over HTTP/2", () => {
  it("there is no key, no Upgrade, and the method is CONNECT", () => {
    assert.deepStrictEqual(accepted(connect()), { key: undefined, subprotocols: [], extensions: undefined })
    assert.deepStrictEqual(accepted(connect(["sec-websocket-protocol", "a, b"], ["sec-websocket-extensions", "c"])), {
      key: undefined,
      subprotocols: ["a", "b"],
      extensions: "c"
    })
  })

  it("a key is not looked at", () => {
    assert.isUndefined(accepted(connect(["sec-websocket-key", "?"])).key)
  })

  it("version, subprotocols and extensions are judged as over HTTP/1.1", () => {
    assert.strictEqual(statusOf({ method: "CONNECT", httpVersion: "2", headers: [] }), 426)
    assert.strictEqual(statusOf(connect(versionField)), 400)
    assert.strictEqual(statusOf(connect(["sec-websocket-protocol", "a,a"])), 400)
    assert.strictEqual(statusOf(connect(["sec-websocket-extensions", ";"])), 400)
  })
})

describe("RFC 6455 §4.2.2: the response", () => {
  it("the text whose digest is the proof", () => {
    assert.strictEqual(acceptKeyInput(key), "dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11")
  })

  it("completes an upgrade", () => {
    assert.deepStrictEqual(responseFields("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", undefined, undefined), [
      ["upgrade", "websocket"],
      ["connection", "upgrade"],
      ["sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="]
    ])
  })

  it("names the subprotocol and the extension", () => {
    assert.deepStrictEqual(responseFields("x", "chat", "permessage-deflate").slice(3), [
      ["sec-websocket-protocol", "chat"],
      ["sec-websocket-extensions", "permessage-deflate"]
    ])
  })

  it("has nothing of the upgrade over HTTP/2", () => {
    assert.deepStrictEqual(responseFields(undefined, undefined, undefined), [])
    assert.deepStrictEqual(responseFields(undefined, "chat", "permessage-deflate"), [
      ["sec-websocket-protocol", "chat"],
      ["sec-websocket-extensions", "permessage-deflate"]
    ])
  })
})

describe("handshake properties", () => {
  const value = oneOf("13", "8", key, "a", "a, b", "a, a", "websocket", "permessage-deflate", ";", "", ",")
  const name = oneOf(
    "sec-websocket-key",
    "sec-websocket-version",
    "sec-websocket-protocol",
    "sec-websocket-extensions",
    "host"
  )

  it.prop(
    "every request is either accepted or refused with words",
    [
      Arbitrary.array(Arbitrary.all([name, value]), { maxLength: 8 }),
      oneOf<"1.1" | "2">("1.1", "2"),
      oneOf("GET", "POST", "CONNECT")
    ],
    ([headers, httpVersion, method]) => {
      const result = readHandshake({ method, httpVersion, headers })
      if ("type" in result) assert.match(result.message, /^[ -~]+$/)
      else assert.strictEqual(result.key === undefined, httpVersion === "2")
    },
    { arbitrary: { runs: 3000, size: 30 }, timeout: 20_000 }
  )
})

import { assert, describe, it } from "@effect/vitest"
import { inspect } from "node:util"
import { makeLightResponses } from "../../src/fetch/Globals.ts"
import { LightResponse } from "../../src/fetch/LightResponse.ts"
import { FakeRequest } from "../support/FakeRequest.ts"

const RealResponse = Response

/** The same class, as programs find it. */
const Light = LightResponse as unknown as typeof Response

type Arguments = ConstructorParameters<typeof Response>

const streamOf = (...pieces: ReadonlyArray<string>) =>
  new ReadableStream<Uint8Array>({
    start: (controller) => {
      for (const piece of pieces) controller.enqueue(new TextEncoder().encode(piece))
      controller.close()
    }
  })

const form = (): FormData => {
  const data = new FormData()
  data.set("a", "1")
  return data
}

const changed = (headers: Headers): Headers => {
  headers.append("set-cookie", "a=1")
  headers.append("set-cookie", "b=2")
  return headers
}

/** What responses are made with; anew for each, since content is used up. */
const makers: Readonly<Record<string, () => ReadonlyArray<unknown>>> = {
  nothing: () => [],
  null: () => [null],
  undefined: () => [undefined, undefined],
  text: () => ["Hello ä"],
  "no text": () => [""],
  "lone surrogates": () => ["a\uD800b"],
  bytes: () => [new Uint8Array([1, 2, 3])],
  "a part of some bytes": () => [new Uint8Array([1, 2, 3]).subarray(1, 2)],
  "a buffer of Node": () => [Buffer.from("abc")],
  "an ArrayBuffer": () => [new Uint8Array([1, 2]).buffer],
  "a DataView": () => [new DataView(new ArrayBuffer(2))],
  "a Blob": () => [new Blob(["a"], { type: "text/css" })],
  "URL parameters": () => [new URLSearchParams({ a: "1" })],
  "a stream": () => [streamOf("a", "b")],
  "a number": () => [1],
  "an object": () => [{}],
  "a status": () => ["a", { status: 404 }],
  "a status as text": () => ["a", { status: "404" }],
  "a status and a phrase": () => ["a", { status: 404, statusText: "Nothing here" }],
  "an init without anything": () => ["a", {}],
  "null as its init": () => ["a", null],
  "a stream and null as its init": () => [streamOf("a"), null],
  "undefined in its init": () => ["a", { status: undefined, headers: undefined, statusText: undefined }],
  "status 204": () => [null, { status: 204 }],
  "status 304 with fields": () => [null, { status: 304, headers: { etag: '"a"' } }],
  "status 204 and content": () => ["a", { status: 204 }],
  "status 205 and no text": () => ["", { status: 205 }],
  "status 199": () => [null, { status: 199 }],
  "status 101": () => [null, { status: 101 }],
  "status 600": () => [null, { status: 600 }],
  "no number as status": () => [null, { status: "a" }],
  "a fraction as status": () => [null, { status: 200.5 }],
  "a bad phrase": () => [null, { statusText: "a\nb" }],
  "fields of a record": () => ["a", { headers: { "X-A": "1", "x-b": "2" } }],
  "a type of a record": () => ["a", { headers: { "Content-Type": "text/css" } }],
  "a name twice in a record": () => [
    "a",
    { headers: { "X-A": "1", "x-a": "2", "Content-Type": "a", "content-type": "b" } }
  ],
  "a record without a prototype": () => ["a", { headers: Object.assign(Object.create(null), { "x-a": "1" }) }],
  "fields of pairs": () => [
    "a",
    {
      headers: [
        ["x-b", "2"],
        ["X-A", "1"],
        ["x-b", "3"]
      ]
    }
  ],
  "fields of Headers": () => ["a", { headers: changed(new Headers({ "x-a": "1" })) }],
  "fields of a Map": () => ["a", { headers: new Map([["x-a", "1"]]) }],
  "a value with space around": () => ["a", { headers: { "x-a": "  1\t" } }],
  "a value that is a number": () => ["a", { headers: { "x-a": 1 } }],
  "a value with a line break": () => ["a", { headers: { "x-a": "1\r\nx-b: 2" } }],
  "a value that is no bytes": () => ["a", { headers: { "x-a": "\u20AC" } }],
  "a value with a control byte": () => ["a", { headers: { "x-a": "a\u0001b" } }],
  "an empty value": () => ["a", { headers: { "x-a": "" } }],
  "a bad name": () => ["a", { headers: { "a b": "1" } }],
  "an empty name": () => ["a", { headers: { "": "1" } }],
  "bad pairs": () => ["a", { headers: [["a"]] }],
  "another response as init": () => ["a", new RealResponse("b", { status: 201, headers: { "x-a": "1" } })]
}

const isForm = (name: string | null) => name?.startsWith("multipart/form-data") === true

const look = async (Class: typeof Response, make: () => ReadonlyArray<unknown>): Promise<unknown> => {
  try {
    const response = new Class(...(make() as Arguments)) // Some of them no type would allow.
    const { ok, redirected, status, statusText, type, url } = response
    const hasBody = response.body !== null
    const seen = { ok, redirected, status, statusText, type, url, hasBody, headers: [...response.headers] }
    const content = [...new Uint8Array(await response.clone().arrayBuffer())]
    const before = response.bodyUsed
    const text = await response.text()
    return { ...seen, content, before, text, after: response.bodyUsed }
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : error
  }
}

describe("LightResponse", () => {
  for (const [name, make] of Object.entries(makers)) {
    it(`is what the runtime's is, with ${name}`, async () => {
      assert.deepStrictEqual(await look(Light, make), await look(RealResponse, make))
    })
  }

  it("sends what the runtime's has", async () => {
    for (const [name, make] of Object.entries(makers)) {
      const source = new FakeRequest()
      let response: unknown
      try {
        response = new Light(...(make() as Arguments))
      } catch {
        continue
      }
      if (!LightResponse.isWhole(response)) continue
      const real = new RealResponse(...(make() as Arguments))
      assert.isUndefined(LightResponse.send(response, source), name)
      const [start, body] = source.sent
      assert.isTrue(start?.type === "http.response.start" && body?.type === "http.response.body")
      if (start?.type !== "http.response.start" || body?.type !== "http.response.body") continue
      assert.strictEqual(start.status, real.status, name)
      assert.deepStrictEqual(
        [...new Headers((start.headers ?? []).map(([name, value]) => [name, value] as [string, string]))],
        [...real.headers],
        name
      )
      const sent = "body" in body ? (body.body ?? "") : ""
      assert.deepStrictEqual([...Buffer.from(sent as string)], [...(await real.bytes())], name)
    }
  })

  it("sends a field once that a record has twice", () => {
    const source = new FakeRequest()
    const response = new Light("a", { headers: { "Content-Type": "a", "content-type": "b" } })
    assert.isTrue(LightResponse.isWhole(response))
    if (LightResponse.isWhole(response)) LightResponse.send(response, source)
    assert.deepStrictEqual(source.sent[0], {
      type: "http.response.start",
      status: 200,
      headers: [["content-type", "a, b"]]
    })
  })

  it("makes JSON with null as its init", async () => {
    // The type has no place for it, and the runtime takes it.
    const response = Reflect.apply(Light.json, Light, [{ a: 1 }, null]) as Response
    assert.deepStrictEqual(await response.json(), { a: 1 })
  })

  it("has its methods on the prototype, for every response", async () => {
    for (const key of Reflect.ownKeys(RealResponse.prototype)) {
      const real = Object.getOwnPropertyDescriptor(RealResponse.prototype, key)
      if (typeof real?.value !== "function" || key === "constructor") continue
      assert.isFunction(Reflect.get(Light.prototype, key), String(key))
    }
    for (const Class of [Light, RealResponse]) {
      assert.strictEqual(await Light.prototype.text.call(new Class("a")), "a")
    }
  })

  it("has form data", async () => {
    const response = new Light(form())
    assert.isTrue(isForm(response.headers.get("content-type")))
    assert.deepStrictEqual([...(await response.formData())], [["a", "1"]])
  })

  it("is whole when its content is there", async () => {
    const whole = (response: unknown) => LightResponse.isWhole(response)
    assert.deepStrictEqual(
      [whole(new Light("a")), whole(new Light(null)), whole(new Light(new Uint8Array(1)))],
      [true, true, true]
    )
    assert.deepStrictEqual([whole(new Light(streamOf("a"))), whole(new Light(new Blob(["a"])))], [false, false])
    assert.deepStrictEqual(
      [whole(new RealResponse("a")), whole("a"), whole(null), whole({})],
      [false, false, false, false]
    )
  })

  it("keeps bytes and fields as they were given, whatever becomes of them", async () => {
    const bytes = new Uint8Array([1, 2])
    const headers = new Headers({ "x-a": "1" })
    const record = { "x-b": "1" }
    const first = new Light(bytes, { headers })
    const second = new Light(null, { headers: record })
    bytes[0] = 9
    headers.set("x-a", "2")
    record["x-b"] = "2"
    assert.deepStrictEqual([...(await first.bytes())], [1, 2])
    assert.deepStrictEqual([first.headers.get("x-a"), second.headers.get("x-b")], ["1", "1"])
  })

  it("has fields that can be changed, also those that are sent", () => {
    const response = new Light("a", { headers: { "x-a": "1" } })
    const { headers } = response
    headers.set("x-a", "2")
    changed(headers)
    assert.strictEqual(response.headers, headers)
    const source = new FakeRequest()
    if (LightResponse.isWhole(response)) LightResponse.send(response, source)
    assert.deepStrictEqual(source.sent[0], {
      type: "http.response.start",
      status: 200,
      headers: [
        ["content-type", "text/plain;charset=UTF-8"],
        ["set-cookie", "a=1"],
        ["set-cookie", "b=2"],
        ["x-a", "2"]
      ]
    })
    // Whatever else is asked for.
    assert.isNotNull(response.body)
    assert.strictEqual(response.headers, headers)
    assert.strictEqual(response.clone().headers.get("x-a"), "2")
  })

  it("stays whole while nobody reads from its stream", async () => {
    const response = new Light("a")
    const { body } = response
    assert.isTrue(LightResponse.isWhole(response))
    // As frameworks do that add a field.
    const other = new Light(body, response)
    assert.isTrue(LightResponse.isWhole(other))
    const reader = body?.getReader()
    assert.deepStrictEqual([LightResponse.isWhole(response), LightResponse.isWhole(other)], [false, false])
    await reader?.read()
    assert.deepStrictEqual([response.bodyUsed, other.bodyUsed], [true, true])
  })

  it("is not whole any more when it was read", async () => {
    const response = new Light("a")
    const copy = response.clone()
    assert.strictEqual(await response.text(), "a")
    assert.deepStrictEqual([LightResponse.isWhole(response), LightResponse.isWhole(copy)], [false, true])
    assert.throws(() => response.clone(), TypeError)
    assert.strictEqual(await copy.clone().text(), "a")
    assert.strictEqual(await copy.text(), "a")
    assert.throws(() => new Light(response.body), TypeError)
  })

  it("can be cloned once it has a stream", async () => {
    const response = new Light("a", { status: 201, headers: { "x-a": "1" } })
    assert.isNotNull(response.body)
    const copy = response.clone()
    assert.deepStrictEqual(
      [copy.status, copy.headers.get("x-a"), await copy.text(), await response.text()],
      [201, "1", "a", "a"]
    )
  })

  describe("Response.json", () => {
    it.each([
      [{ a: 1 }, undefined],
      ["a", { status: 201 }],
      [null, { headers: { "x-a": "1" } }],
      [[1], { headers: { "Content-Type": "application/problem+json" } }],
      [undefined, undefined],
      [{}, { status: 204 }],
      [{}, { status: 99 }]
    ])("of %j with %j", async (data, init) => {
      const make = async (Class: typeof Response) => {
        try {
          const response = Class.json(data, init as ResponseInit)
          return { status: response.status, headers: [...response.headers], text: await response.text() }
        } catch (error) {
          return String(error)
        }
      }
      assert.deepStrictEqual(await make(Light), await make(RealResponse))
    })

    it("is whole", () => {
      assert.isTrue(LightResponse.isWhole(Light.json({ a: 1 })))
    })
  })

  it("makes redirects and errors as before", () => {
    const redirect = Light.redirect("http://test/a", 301)
    assert.deepStrictEqual([redirect.status, redirect.headers.get("location")], [301, "http://test/a"])
    assert.throws(() => Light.redirect("http://test/a", 200 as never), RangeError)
    assert.strictEqual(Light.error().type, "error")
  })

  it("passes for a Response", () => {
    const response = new Light("a")
    assert.instanceOf(response, RealResponse)
    assert.strictEqual(Object.prototype.toString.call(response), "[object Response]")
    assert.match(inspect(response), /^Response \{\s+status: 200/)
    assert.strictEqual(Light.name, "Response")
    assert.strictEqual(response.constructor, Light)
  })

  it("takes the place of the global one, and gives it back", async () => {
    const undo = makeLightResponses()
    try {
      assert.strictEqual(Response, Light)
      // What the runtime makes is a response as before.
      assert.instanceOf(await fetch("data:,a"), Response)
      assert.instanceOf(new Response("a"), Response)
      assert.notInstanceOf({}, Response)
      class Own extends Response {
        readonly own = true
      }
      const own = new Own("a", { status: 201 })
      assert.instanceOf(own, Own)
      assert.instanceOf(own, Response)
      assert.notInstanceOf(new Response("a"), Own)
      assert.deepStrictEqual([own.own, own.status, LightResponse.isWhole(own)], [true, 201, true])
      assert.isFalse(Object.keys(globalThis).includes("Response"))
    } finally {
      undo()
    }
    assert.strictEqual(Response, RealResponse)
  })
})

import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { inspect } from "node:util"
import { acceptLightRequests } from "../../src/fetch/Globals.ts"
import { LightRequest } from "../../src/fetch/LightRequest.ts"
import { FakeRequest } from "../support/FakeRequest.ts"

const RealRequest = Request
const realFetch = fetch

const make = (source: FakeRequest, url = "http://test/a?b=c") => new LightRequest(url, source, Effect.runFork)

const post = (...pieces: ReadonlyArray<string>) => {
  const source = new FakeRequest(pieces)
  return { source, request: make(source) }
}

const get = () => make(new FakeRequest([], { method: "GET", headers: [["host", "test"]] }))

const rejected = async (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => assert.fail("it was not rejected"),
    (error: Error) => error
  )

const bodyOf = ({ body }: Request): ReadableStream<Uint8Array> => body ?? assert.fail("there is no body")

describe("LightRequest", () => {
  it("passes for a Request", () => {
    const request = get()
    assert.instanceOf(request, RealRequest)
    assert.strictEqual(Object.prototype.toString.call(request), "[object Request]")
    assert.deepStrictEqual([request.method, request.url], ["GET", "http://test/a?b=c"])
    assert.match(inspect(request), /^Request \{\s+method: 'GET',\s+url: 'http:\/\/test\/a\?b=c'/)
  })

  it("has all that a Request has, as one that was made for its URL has it", () => {
    const request = get()
    const real = new RealRequest("http://test/a?b=c", { headers: { host: "test" } })
    for (const key of Object.keys(RealRequest.prototype)) {
      if (["headers", "signal", "clone"].includes(key)) continue
      const [own, expected]: ReadonlyArray<unknown> = [Reflect.get(request, key), Reflect.get(real, key)]
      if (typeof expected === "function") assert.strictEqual(typeof own, "function", key)
      else assert.strictEqual(own, expected, key)
    }
    assert.deepStrictEqual([...request.headers], [...real.headers])
  })

  describe("content", () => {
    it("is read at once, whatever it comes in", async () => {
      assert.strictEqual(await post("Hel", "lo", " ä").request.text(), "Hello ä")
      assert.deepStrictEqual(await post('{"a":', "1}").request.json(), { a: 1 })
      assert.deepStrictEqual([...(await post("a", "b").request.bytes())], [97, 98])
      assert.deepStrictEqual([...new Uint8Array(await post("ab").request.arrayBuffer())], [97, 98])
      assert.strictEqual(await (await post("a", "b").request.blob()).text(), "ab")
      assert.strictEqual(await post("\u{FEFF}a").request.text(), "a")
      assert.strictEqual(await post("").request.text(), "")
    })

    it("is a form", async () => {
      const headers = [
        ["content-type", "application/x-www-form-urlencoded"],
        ["transfer-encoding", "chunked"]
      ] as const
      const form = await make(new FakeRequest(["a=1&", "b=2"], { headers })).formData()
      assert.deepStrictEqual(
        [...form],
        [
          ["a", "1"],
          ["b", "2"]
        ]
      )
    })

    it("has the type of the field, as a Blob", async () => {
      const headers = [
        ["content-type", "text/css"],
        ["transfer-encoding", "chunked"]
      ] as const
      assert.strictEqual((await make(new FakeRequest(["a"], { headers })).blob()).type, "text/css")
    })

    it("is a piece of its own memory, as an ArrayBuffer", async () => {
      const bytes = new Uint8Array([1, 2, 3, 4]).subarray(1, 3)
      const source = new FakeRequest()
      const receive = Effect.succeed({ type: "http.request", body: bytes, more: false } as const)
      Object.defineProperty(source, "receive", { value: receive })
      assert.deepStrictEqual([...new Uint8Array(await make(source).arrayBuffer())], [2, 3])
    })

    it("that is no JSON is a SyntaxError", async () => {
      assert.instanceOf(await rejected(post("{").request.json()), SyntaxError)
    })

    it("is not asked for before it is read", async () => {
      const { request, source } = post("a", "b", "c")
      void [request.body, request.headers, request.bodyUsed, request.signal]
      await Promise.resolve()
      assert.strictEqual(source.received, 0)
      const reader = bodyOf(request).getReader()
      await reader.read()
      await Promise.resolve()
      assert.strictEqual(source.received, 1)
      await reader.read()
      assert.strictEqual(source.received, 2)
    })

    it("is a stream that ends", async () => {
      const pieces: Array<string> = []
      for await (const piece of bodyOf(post("a", "", "b", "").request)) pieces.push(new TextDecoder().decode(piece))
      assert.deepStrictEqual(pieces, ["a", "b"])
    })

    for (const method of ["text", "json", "bytes", "arrayBuffer", "blob", "formData"] as const) {
      it(`is read once, also by ${method}()`, async () => {
        const { request } = post('{"a":1}')
        await request.text()
        assert.isTrue(request.bodyUsed)
        assert.match((await rejected(request[method]())).message, /Body is unusable/)
        assert.throws(() => new Response(request.body), TypeError)
        assert.throws(() => request.clone(), TypeError)
        assert.throws(() => new RealRequest(request.real), /already been used/)
      })

      it(`is not read by ${method}() behind a stream`, async () => {
        const { request } = post('{"a":1}')
        const reader = bodyOf(request).getReader()
        assert.isFalse(request.bodyUsed)
        await reader.read()
        assert.isTrue(request.bodyUsed)
        reader.releaseLock()
        assert.instanceOf(await rejected(request[method]()), TypeError)
      })
    }

    it("of a stream that nobody has read from is still there", async () => {
      const { request } = post("a", "b")
      assert.isNotNull(request.body)
      assert.isFalse(request.bodyUsed)
      assert.strictEqual(await request.text(), "ab")
      assert.isTrue(request.bodyUsed)
    })

    it("is read no further when its stream is cancelled", async () => {
      const { request, source } = post("a", "b")
      const reader = bodyOf(request).getReader()
      await reader.read()
      await reader.cancel()
      assert.isTrue(request.bodyUsed)
      assert.deepStrictEqual(await reader.read(), { done: true, value: undefined })
      assert.strictEqual(source.received, 1)
    })

    it("may be cancelled while a piece is waited for", async () => {
      const source = new FakeRequest()
      let arrive = (): void => {}
      const receive = Effect.callback<never>((resume) => {
        arrive = () => resume(Effect.succeed({ type: "http.request", body: new Uint8Array(1), more: true }) as never)
      })
      Object.defineProperty(source, "receive", { value: receive })
      const reader = bodyOf(make(source)).getReader()
      const reading = reader.read()
      await reader.cancel()
      arrive()
      assert.deepStrictEqual(await reading, { done: true, value: undefined })
    })

    it("fails when the client leaves before its end", async () => {
      for (const read of ["text", "json", "bytes", "arrayBuffer", "blob"] as const) {
        const { request, source } = post("a", "b")
        source.leave()
        const error = await rejected(request[read]())
        assert.strictEqual(error.name, "AbortError")
        assert.match(error.message, /The client has gone/)
      }
      const { request, source } = post("a", "b")
      const reader = bodyOf(request).getReader()
      await reader.read()
      source.leave()
      assert.strictEqual((await rejected(reader.read())).name, "AbortError")
    })

    it.each([
      ["GET", [["transfer-encoding", "chunked"]], "1.1"],
      ["HEAD", [["content-length", "3"]], "1.1"],
      ["get", [["content-length", "3"]], "1.1"],
      ["POST", [], "1.1"],
      ["POST", [["content-length", "0"]], "1.1"],
      ["POST", [["content-length", "0"]], "2"]
    ] as const)("is none of %s with %j over HTTP/%s", async (method, headers, httpVersion) => {
      const source = new FakeRequest(["abc"], { method, headers, httpVersion })
      const request = make(source)
      assert.isNull(request.body)
      assert.strictEqual(await request.text(), "")
      assert.isFalse(request.bodyUsed)
      assert.strictEqual(request.method, method)
      assert.strictEqual(source.received, 0)
    })

    it("may follow over HTTP/2 without any field that says so", async () => {
      assert.strictEqual(await make(new FakeRequest(["abc"], { headers: [], httpVersion: "2" })).text(), "abc")
    })
  })

  describe("clones", () => {
    it("have the same content", async () => {
      const { request } = post("a", "b")
      const clone = request.clone()
      assert.instanceOf(clone, RealRequest)
      assert.deepStrictEqual([clone.url, clone.method], [request.url, request.method])
      assert.deepStrictEqual(await Promise.all([request.text(), clone.text()]), ["ab", "ab"])
      assert.isTrue(request.bodyUsed)
    })

    it("are aborted with the request", () => {
      const { request, source } = post("a")
      const clone = request.clone()
      source.leave()
      assert.isTrue(clone.signal.aborted)
    })

    it("have fields of their own", () => {
      const { request } = post("a")
      request.headers.set("x-a", "1")
      const clone = request.clone()
      request.headers.set("x-a", "2")
      assert.deepStrictEqual([request.headers.get("x-a"), clone.headers.get("x-a")], ["2", "1"])
    })
  })

  describe("the signal", () => {
    it("is made when it is asked for", () => {
      const { request, source } = post("a")
      assert.strictEqual(source.watchers, 0)
      assert.strictEqual(request.signal, request.signal)
      assert.strictEqual(source.watchers, 1)
    })

    it("is aborted when the client leaves", () => {
      const { request, source } = post("a")
      const { signal } = request
      const seen: Array<string> = []
      signal.addEventListener("abort", () => seen.push(String(signal.reason)))
      assert.isFalse(signal.aborted)
      source.leave()
      assert.deepStrictEqual(seen, ["AbortError: The client has gone before the end of its request."])
    })

    it("of a client that has gone already is aborted from the beginning", () => {
      const { request, source } = post("a")
      source.leave()
      assert.isTrue(request.signal.aborted)
    })
  })

  describe("given to the runtime", () => {
    const restore = () => {
      Object.defineProperty(globalThis, "Request", { value: RealRequest, writable: true, configurable: true })
      Object.defineProperty(globalThis, "fetch", { value: realFetch, writable: true, configurable: true })
    }
    const withGlobals = (run: () => Promise<void>) => async () => {
      acceptLightRequests()
      try {
        await run()
      } finally {
        restore()
      }
    }

    it(
      "makes a Request of it",
      withGlobals(async () => {
        const { request } = post("a", "b")
        assert.strictEqual(request.constructor, Request)
        const other = new Request(request, { headers: { "x-a": "1" } })
        assert.deepStrictEqual([other.url, other.method, [...other.headers]], [request.url, "POST", [["x-a", "1"]]])
        assert.strictEqual(await other.text(), "ab")
        assert.isTrue(request.bodyUsed)
      })
    )

    it(
      "makes a Request with another content",
      withGlobals(async () => {
        const other = new Request(post("a").request, { method: "PUT", body: "b" })
        assert.deepStrictEqual([other.method, await other.text()], ["PUT", "b"])
        assert.strictEqual(other.headers.get("transfer-encoding"), "chunked")
      })
    )

    it(
      "makes a Request for another URL, with the rest of it",
      withGlobals(async () => {
        const { request } = post("a", "b")
        const other = new Request("http://test/other", request)
        assert.deepStrictEqual([other.url, other.method], ["http://test/other", "POST"])
        assert.strictEqual(other.headers.get("transfer-encoding"), "chunked")
        assert.strictEqual(await other.text(), "ab")
      })
    )

    it(
      "fetches it",
      withGlobals(async () => {
        const url = "data:text/plain,abc"
        const source = new FakeRequest([], { method: "GET", headers: [] })
        assert.strictEqual(await (await fetch(make(source, url))).text(), "abc")
      })
    )

    it(
      "leaves everything else as it was",
      withGlobals(async () => {
        assert.deepStrictEqual([Request.name, fetch.name], ["Request", "fetch"])
        const request = new Request("http://test/", { method: "PUT", body: "a" })
        assert.instanceOf(request, Request)
        assert.instanceOf(request, RealRequest)
        assert.instanceOf(new RealRequest("http://test/"), Request)
        assert.instanceOf(get(), Request)
        assert.strictEqual(await new Request(request).text(), "a")
        class Own extends Request {}
        assert.instanceOf(new Own("http://test/"), Own)
        assert.notInstanceOf(request, Own)
        assert.throws(() => new Request("/"), /Failed to parse URL/)
        assert.deepStrictEqual(Object.keys(globalThis).includes("Request"), false)
      })
    )
  })

  it("is made of methods that the runtime makes no requests with", async () => {
    const request = make(new FakeRequest([], { method: "TRACE", headers: [] }))
    assert.strictEqual(request.method, "TRACE")
    assert.strictEqual(request.real.method, "TRACE")
    assert.strictEqual(request.mode, "cors")
  })
})

describe("LightHeaders", () => {
  const headersOf = (headers: FakeRequest["headers"]) => make(new FakeRequest([], { headers })).headers
  const block: FakeRequest["headers"] = [
    ["host", "test"],
    ["x-many", "1"],
    ["cookie", "a=1; b=2"],
    ["x-many", "2"],
    ["x-empty", ""]
  ]

  it("gives what Headers of the same fields would give", () => {
    const headers = headersOf(block)
    const real = new Headers(block.map(([name, value]): [string, string] => [name, value]))
    for (const name of ["host", "HOST", "x-many", "X-Empty", "cookie", "x-none", "__proto__", "constructor"]) {
      assert.strictEqual(headers.get(name), real.get(name), name)
      assert.strictEqual(headers.has(name), real.has(name), name)
    }
    assert.deepStrictEqual([...headers], [...real])
    assert.deepStrictEqual([...headers.keys()], [...real.keys()])
    assert.deepStrictEqual([...headers.values()], [...real.values()])
    assert.deepStrictEqual([...headers.entries()], [...real.entries()])
    assert.deepStrictEqual(headers.getSetCookie(), [])
    const seen: Array<string> = []
    headers.forEach((value, name) => seen.push(`${name}: ${value}`))
    assert.deepStrictEqual(
      seen,
      [...real].map(([name, value]) => `${name}: ${value}`)
    )
    assert.strictEqual(headers.get("x-many"), "1, 2")
  })

  it("passes for Headers", () => {
    const headers = headersOf(block)
    assert.instanceOf(headers, Headers)
    assert.strictEqual(headers.constructor, Headers)
    assert.deepStrictEqual([...new Headers(headers)], [...headers])
    assert.deepStrictEqual([...new RealRequest("http://test/", { headers }).headers], [...headers])
    assert.deepStrictEqual(Object.fromEntries(headers)["x-many"], "1, 2")
    assert.match(inspect(headers), /^Headers \{/)
    assert.throws(() => headers.get("a b"), TypeError)
    assert.throws(() => headers.has(""), TypeError)
  })

  it("can be changed", () => {
    const headers = headersOf(block)
    headers.set("x-many", "3")
    headers.append("X-New", "4")
    headers.delete("cookie")
    assert.deepStrictEqual([headers.get("x-many"), headers.get("x-new"), headers.has("cookie")], ["3", "4", false])
    assert.throws(() => headers.set("x-a", "a\nb\nc"), TypeError)
  })

  it("are one with those of the request that they are of", () => {
    const request = make(new FakeRequest([], { headers: block }))
    const { headers } = request
    const { real } = request
    headers.set("x-a", "1")
    assert.strictEqual(real.headers.get("x-a"), "1")
    assert.strictEqual(request.headers, headers)
  })
})

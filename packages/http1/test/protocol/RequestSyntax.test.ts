import { assert, describe, it } from "@effect/vitest"
import { converse, get, head, lines, read, refusal } from "../support/Machine.ts"

/** What each text leads to, or is expected to lead to. */
type Outcomes = ReadonlyArray<readonly [text: string, outcome: string]>

const outcomesOf = (cases: Outcomes): Outcomes => cases.map(([text]) => [text, refusal(text)])

describe("HTTP/1.x syntax", () => {
  it("a plain request becomes one head", () => {
    assert.deepStrictEqual(
      read(lines("GET /a%20b%2Fc?x=%20 HTTP/1.1", "Host: example.com", "X-Thing:  two words \t")),
      [
        {
          type: "request",
          method: "GET",
          target: "/a%20b%2Fc?x=%20",
          rawPath: "/a%20b%2Fc",
          path: "/a b/c",
          queryString: "x=%20",
          httpVersion: "1.1",
          headers: [
            ["host", "example.com"],
            ["x-thing", "two words"]
          ],
          bodyLength: 0,
          keepAlive: true,
          expectContinue: false,
          upgrade: undefined
        }
      ]
    )
  })

  it("bare LF or bare CR as line end anywhere in the head → 400", () => {
    const cases: Outcomes = [
      ["GET / HTTP/1.1\nHost: a\n\n", "400 bare-line-feed"],
      ["GET / HTTP/1.1\r\nHost: a\n\r\n", "400 bare-line-feed"],
      ["GET / HTTP/1.1\r\nHost: a\r\n\n", "400 bare-line-feed"],
      ["\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "400 malformed-request-line"],
      [lines("GET / HTTP/1.1", "Host: a\rX: b"), "400 malformed-header"],
      [lines("GET / HTTP/1.1\rHost: a"), "400 malformed-request-line"],
      [lines("GET / HTTP/1.1", "Host: a", "\rX: b"), "400 malformed-header"],
      [lines("GET / HTTP/1.1", "Host: a\r"), "400 malformed-header"]
    ]
    assert.deepStrictEqual(outcomesOf(cases), cases)
  })

  it("obs-fold, and a leading blank on the first header → 400", () => {
    const cases: Outcomes = [
      [get("X: a", " b"), "400 obsolete-folding"],
      [get("X: a", "\tb"), "400 obsolete-folding"],
      [lines("GET / HTTP/1.1", " Host: a"), "400 obsolete-folding"]
    ]
    assert.deepStrictEqual(outcomesOf(cases), cases)
  })

  it("blanks before the colon, an empty name, no colon → 400", () => {
    const cases: Outcomes = [
      [get("X : a"), "400 malformed-header"],
      [get("X\t: a"), "400 malformed-header"],
      [get(": a"), "400 malformed-header"],
      [get("X"), "400 malformed-header"]
    ]
    assert.deepStrictEqual(outcomesOf(cases), cases)
  })

  it("names are tokens", () => {
    for (let code = 0; code < 256; code++) {
      const character = String.fromCharCode(code)
      const isToken = /^[!#$%&'*+.^_`|~0-9A-Za-z-]$/.test(character)
      if (character === ":" || character === "\n") continue
      assert.strictEqual(
        refusal(get(`X${character}Y: a`)),
        isToken ? "request" : "400 malformed-header",
        JSON.stringify(character)
      )
    }
  })

  it("values have no NUL, CR, LF or other control byte (HTAB allowed)", () => {
    for (let code = 0; code < 256; code++) {
      const isAllowed = code === 9 || (code >= 0x20 && code !== 0x7f)
      const expected = isAllowed ? "request" : code === 10 ? "400 bare-line-feed" : "400 malformed-header"
      assert.strictEqual(refusal(get(`X: a${String.fromCharCode(code)}b`)), expected, `byte ${code}`)
    }
  })

  it("values may be empty, and lose the blanks around them only", () => {
    assert.deepStrictEqual(head(get("A:", "B: \t ", "C:\tx \t y\t")).headers.slice(1), [
      ["a", ""],
      ["b", ""],
      ["c", "x \t y"]
    ])
  })

  it("method is a token", () => {
    const cases: Outcomes = [
      [lines("G(T / HTTP/1.1", "Host: a"), "400 malformed-request-line"],
      [lines(" / HTTP/1.1", "Host: a"), "400 malformed-request-line"],
      [lines("GET\t/ HTTP/1.1", "Host: a"), "400 malformed-request-line"]
    ]
    assert.deepStrictEqual(outcomesOf(cases), cases)
  })

  it("method keeps its case", () => {
    assert.strictEqual(head(lines("get / HTTP/1.1", "Host: a")).method, "get")
    assert.strictEqual(head(lines("M-SEARCH / HTTP/1.1", "Host: a")).method, "M-SEARCH")
  })

  it("a higher minor version counts as 1.1", () => {
    for (const minor of [1, 2, 5, 9]) {
      assert.strictEqual(head(lines(`GET / HTTP/1.${minor}`, "Host: a")).httpVersion, "1.1")
    }
    assert.strictEqual(head(lines("GET / HTTP/1.0")).httpVersion, "1.0")
    assert.strictEqual(refusal(lines("GET / HTTP/1.2")), "400 missing-host")
  })

  it("a wrong request line is answered when it has come, whatever it is split into", () => {
    const cases: Outcomes = [
      ["GET /\r\n", "400 malformed-request-line"],
      ["GET\r\n", "400 malformed-request-line"],
      ["GET / HTTP/1\r\n", "400 malformed-request-line"],
      ["GET / HTTP/2.0\r\nHost", "505 unsupported-version"],
      ["GET /\r\nHost: a\n", "400 malformed-request-line"],
      ["GET / HTTP/1.1\r\nHost: a\n", "400 bare-line-feed"],
      ["GET /\n", "400 bare-line-feed"],
      ["GET / HTTP/1.1\r\n", ""],
      ["GET /", ""]
    ]
    assert.deepStrictEqual(outcomesOf(cases), cases)
    const events = converse(["\r\nGET /", "a\r", "\n"])
    assert.deepInclude(events[0], { reason: "malformed-request-line" })
  })

  it("version is HTTP/1.x (others 505, garbage 400)", () => {
    const cases: Outcomes = [
      [lines("GET / HTTP/0.9"), "505 unsupported-version"],
      [lines("GET / HTTP/3.0"), "505 unsupported-version"],
      [lines("PRI * HTTP/2.0") + "SM\r\n\r\n", "505 unsupported-version"],
      [lines("GET / http/1.1", "Host: a"), "400 malformed-request-line"],
      [lines("GET / HTTP/1.10", "Host: a"), "400 malformed-request-line"],
      [lines("GET / HTTP/11", "Host: a"), "400 malformed-request-line"],
      [lines("GET / HTTP/1,1", "Host: a"), "400 malformed-request-line"],
      [lines("GET / HTTP/1.1 ", "Host: a"), "400 malformed-request-line"],
      [lines("GET /  HTTP/1.1", "Host: a"), "400 malformed-request-line"],
      [lines("GET  / HTTP/1.1", "Host: a"), "400 malformed-request-line"],
      [lines("GET / ", "Host: a"), "400 malformed-request-line"],
      [lines("GET /"), "400 malformed-request-line"],
      [lines("GET"), "400 malformed-request-line"]
    ]
    assert.deepStrictEqual(outcomesOf(cases), cases)
  })

  it("request line over the limit 414", () => {
    const line = (length: number): string => `GET /${"a".repeat(length - 14)} HTTP/1.1`
    assert.strictEqual(line(30).length, 30)
    assert.strictEqual(refusal(lines(line(100), "Host: a"), { maxHeaderSize: 100 }), "request")
    assert.strictEqual(refusal(lines(line(101), "Host: a"), { maxHeaderSize: 100 }), "414 request-line-too-long")
    assert.strictEqual(refusal("G " + "a".repeat(99), { maxHeaderSize: 100 }), "")
    assert.strictEqual(refusal("G " + "a".repeat(100), { maxHeaderSize: 100 }), "414 request-line-too-long")
  })

  it("method over the limit 501", () => {
    assert.strictEqual(refusal("a".repeat(101), { maxHeaderSize: 100 }), "")
    assert.strictEqual(refusal("a".repeat(102), { maxHeaderSize: 100 }), "501 method-too-long")
    assert.strictEqual(refusal(lines("a".repeat(101) + " / HTTP/1.1"), { maxHeaderSize: 100 }), "501 method-too-long")
    assert.strictEqual(
      refusal(lines("a".repeat(100) + " / HTTP/1.1"), { maxHeaderSize: 100 }),
      "414 request-line-too-long"
    )
  })

  it("headers over size or count 431, never truncated", () => {
    const fill = (size: number): string => `X: ${"a".repeat(size - 14)}`
    assert.strictEqual(refusal(get(fill(100)), { maxHeaderSize: 100 }), "request")
    assert.strictEqual(refusal(get(fill(101)), { maxHeaderSize: 100 }), "431 headers-too-large")
    assert.strictEqual(refusal(get(fill(200)).slice(0, -50), { maxHeaderSize: 100 }), "431 headers-too-large")
    assert.strictEqual(refusal(get("A: b", "C: d"), { maxHeaderCount: 3 }), "request")
    assert.strictEqual(refusal(get("A: b", "C: d", "E: f"), { maxHeaderCount: 3 }), "431 too-many-headers")
  })

  it("HTTP/1.1 needs exactly one valid Host; duplicates or an invalid one → 400", () => {
    const cases: Outcomes = [
      [lines("GET / HTTP/1.1"), "400 missing-host"],
      [lines("GET / HTTP/1.1", "Host: a", "Host: a"), "400 duplicate-host"],
      [lines("GET / HTTP/1.0", "Host: a", "Host: b"), "400 duplicate-host"],
      ...[
        "a b",
        "a, b",
        "u@a",
        "a/b",
        "a?b",
        "a#b",
        "a:b",
        "a:65536",
        ":80",
        "a:80:80",
        "[::1",
        "[abc]",
        "[]",
        "[::1]x",
        "a%",
        "a%4",
        "a%zz",
        "a\\b",
        "é",
        '"a"',
        "<a>"
      ].map((host) => [lines("GET / HTTP/1.1", `Host: ${host}`), "400 invalid-host"] as const),
      ...[
        "a",
        "a:",
        "a:0",
        "a:65535",
        "a.b-c_d.example",
        "127.0.0.1:80",
        "[::1]",
        "[2001:db8::1]:8080",
        "a%20b",
        ""
      ].map((host) => [lines("GET / HTTP/1.1", `Host: ${host}`), "request"] as const),
      [lines("GET / HTTP/1.0"), "request"]
    ]
    assert.deepStrictEqual(outcomesOf(cases), cases)
  })

  it("`*` only with OPTIONS, authority-form only with CONNECT, no fragment", () => {
    const cases: Outcomes = [
      [lines("OPTIONS * HTTP/1.1", "Host: a"), "request"],
      [lines("GET * HTTP/1.1", "Host: a"), "400 malformed-target"],
      [lines("OPTIONS ** HTTP/1.1", "Host: a"), "400 malformed-target"],
      [lines("GET a:80 HTTP/1.1", "Host: a"), "400 malformed-target"],
      [lines("GET index.html HTTP/1.1", "Host: a"), "400 malformed-target"],
      [lines("CONNECT a:80 HTTP/1.1", "Host: a:80"), "501 connect-unsupported"],
      [lines("GET /a#b HTTP/1.1", "Host: a"), "400 malformed-request-line"],
      [lines("GET http://a/#b HTTP/1.1", "Host: a"), "400 malformed-request-line"],
      [lines("GET /\x7f HTTP/1.1", "Host: a"), "400 malformed-request-line"]
    ]
    assert.deepStrictEqual(outcomesOf(cases), cases)
  })

  it("absolute-form: its authority is the host", () => {
    const request = head(lines("GET http://Real.example:81/a?b HTTP/1.1", "X: y", "Host: fake.example"))
    assert.deepStrictEqual(request.headers, [
      ["x", "y"],
      ["host", "Real.example:81"]
    ])
    assert.deepStrictEqual([request.rawPath, request.queryString], ["/a", "b"])
    const bare = head(lines("GET HTTPS://a?b HTTP/1.0"))
    assert.deepStrictEqual([bare.rawPath, bare.queryString, bare.headers], ["/", "b", [["host", "a"]]])
  })

  it("absolute-form: userinfo, an empty host and other schemes are refused; Host is still needed", () => {
    const cases: Outcomes = [
      [lines("GET http://user@a/ HTTP/1.1", "Host: a"), "400 malformed-target"],
      [lines("GET http://user:pass@a/ HTTP/1.1", "Host: a"), "400 malformed-target"],
      [lines("GET http:/// HTTP/1.1", "Host: a"), "400 malformed-target"],
      [lines("GET ftp://a/ HTTP/1.1", "Host: a"), "400 malformed-target"],
      [lines("GET http://a/ HTTP/1.1"), "400 missing-host"],
      [lines("GET http://a/ HTTP/1.1", "Host: b c"), "400 invalid-host"]
    ]
    assert.deepStrictEqual(outcomesOf(cases), cases)
  })

  it("`__proto__`, `constructor` and the like are ordinary header names", () => {
    assert.deepStrictEqual(head(get("__proto__: a", "Constructor: b", "toString: c")).headers.slice(1), [
      ["__proto__", "a"],
      ["constructor", "b"],
      ["tostring", "c"]
    ])
  })

  it("NUL or malformed percent-encoding in the path → 400", () => {
    const cases: Outcomes = [
      [lines("GET /%00 HTTP/1.1", "Host: a"), "400 malformed-path"],
      [lines("GET /\0 HTTP/1.1", "Host: a"), "400 malformed-request-line"],
      ...["/%", "/%4", "/%zz", "/a%2", "/%%41", "/%4g"].map(
        (path) => [lines(`GET ${path} HTTP/1.1`, "Host: a"), "400 malformed-path"] as const
      ),
      [lines("GET /?%00%zz HTTP/1.1", "Host: a"), "request"]
    ]
    assert.deepStrictEqual(outcomesOf(cases), cases)
  })

  it("%2F stays inside a segment in rawPath", () => {
    assert.strictEqual(head(lines("GET /a%2Fb HTTP/1.1", "Host: a")).rawPath, "/a%2Fb")
  })

  it("paths are UTF-8, or latin1 bytes when they are not", () => {
    assert.strictEqual(head(lines("GET /%C3%A9 HTTP/1.1", "Host: a")).path, "/é")
    assert.strictEqual(head(lines("GET /\xc3\xa9 HTTP/1.1", "Host: a")).path, "/é")
    assert.strictEqual(head(lines("GET /%E9 HTTP/1.1", "Host: a")).path, "/\xe9")
  })

  it("several cookie fields are one", () => {
    assert.deepStrictEqual(head(get("Cookie: a=1", "X: y", "Cookie: b=2", "cookie: c=3")).headers.slice(1), [
      ["cookie", "a=1; b=2; c=3"],
      ["x", "y"]
    ])
  })

  it("a few empty lines before a request line are tolerated", () => {
    assert.strictEqual(refusal("\r\n".repeat(8) + get()), "request")
    assert.strictEqual(refusal("\r\n".repeat(9) + get()), "400 malformed-request-line")
    const twice = converse([("\r\n".repeat(8) + get()).repeat(2)])
    assert.deepStrictEqual(
      twice.map((event) => event.type),
      ["request", "request", "closed"]
    )
    assert.strictEqual(refusal("\r"), "")
    assert.strictEqual(refusal("\rG"), "400 malformed-request-line")
  })

  it("what cannot become a request is told at its first byte", () => {
    assert.strictEqual(refusal("\x16\x03\x01"), "400 malformed-request-line")
  })
})

describe("Connection options", () => {
  const keepAlive = (version: string, ...fields: ReadonlyArray<string>): boolean =>
    head(lines(`GET / HTTP/${version}`, "Host: a", ...fields)).keepAlive

  it("persistence is the default of 1.1, and asked for in 1.0", () => {
    assert.isTrue(keepAlive("1.1"))
    assert.isFalse(keepAlive("1.1", "Connection: Close"))
    assert.isFalse(keepAlive("1.1", "Connection: x ,\tclose"))
    assert.isFalse(keepAlive("1.1", "Connection: keep-alive", "Connection: close"))
    assert.isTrue(keepAlive("1.1", "Connection: closed"))
    assert.isFalse(keepAlive("1.0"))
    assert.isTrue(keepAlive("1.0", "Connection: Keep-Alive"))
    assert.isFalse(keepAlive("1.0", "Connection: keep-alive, close"))
  })

  it("upgrade counts only for 1.1 and when Connection lists it", () => {
    assert.strictEqual(head(get("Connection: keep-alive, Upgrade", "Upgrade: WebSocket")).upgrade, "websocket")
    assert.isUndefined(head(get("Upgrade: websocket")).upgrade)
    assert.isUndefined(head(get("Connection: upgrade")).upgrade)
    assert.isUndefined(head(lines("GET / HTTP/1.0", "Connection: upgrade", "Upgrade: websocket")).upgrade)
  })

  it("Expect: 100-continue is honoured for 1.1 only; any other expectation → 417", () => {
    const expecting = (version: string, ...fields: ReadonlyArray<string>): string =>
      lines(`POST / HTTP/${version}`, "Host: a", ...fields)
    assert.isTrue(head(expecting("1.1", "Content-Length: 1", "Expect: 100-Continue")).expectContinue)
    assert.isFalse(head(expecting("1.0", "Content-Length: 1", "Expect: 100-continue")).expectContinue)
    assert.isFalse(head(expecting("1.1", "Expect: 100-continue")).expectContinue)
    for (const value of ["100-continue,", ", ,100-continue", "100-continue, 100-continue"]) {
      assert.isTrue(head(expecting("1.1", "Content-Length: 1", `Expect: ${value}`)).expectContinue, value)
    }
    for (const value of ["", ",", " , "]) {
      assert.isFalse(head(expecting("1.1", "Content-Length: 1", `Expect: ${value}`)).expectContinue, value)
    }
    for (const value of ["200-ok", "100-continue, x", "100-continue=1"]) {
      assert.strictEqual(refusal(expecting("1.1", `Expect: ${value}`)), "417 unknown-expectation")
    }
  })
})

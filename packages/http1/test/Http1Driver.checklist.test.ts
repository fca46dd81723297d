import { assert, describe, it } from "@effect/vitest"
import type { Input } from "@pagi/core/ServerOptions"
import * as Effect from "effect/Effect"
import { echo, hello, recorded } from "@pagi/core/test/drivers/support/Applications"
import { readResponse } from "./support/ClientConnection.ts"
import { converse, finish, makeHarness, statuses, turn } from "./support/DriverHarness.ts"
import { chunked, get, lines, post } from "./support/Machine.ts"

const options: Input = { maxHeaderSize: 256, maxHeaderCount: 5, maxBodySize: 1000 }

interface Refusal {
  readonly line: string
  readonly request: string
  readonly status: number
  /** Whether the application is run, because the head was fine and only the body breaks a rule. */
  readonly runs?: boolean
}

const refused = (line: string, status: number, ...requests: ReadonlyArray<string>): ReadonlyArray<Refusal> =>
  requests.map((request) => ({ line, request, status }))

const refusedInBody = (line: string, status: number, ...requests: ReadonlyArray<string>): ReadonlyArray<Refusal> =>
  requests.map((request) => ({ line, request, status, runs: true }))

const length = (value: string): string => post(`Content-Length: ${value}`)
const coding = (value: string): string => post(`Transfer-Encoding: ${value}`)

const framing: ReadonlyArray<Refusal> = [
  ...refused(
    "Content-Length together with Transfer-Encoding",
    400,
    post("Content-Length: 5", "Transfer-Encoding: chunked"),
    post("Transfer-Encoding: chunked", "Content-Length: 0")
  ),
  ...refused(
    "Content-Length duplicated, a list, empty or no number",
    400,
    post("Content-Length: 5", "Content-Length: 5"),
    post("Content-Length: 5", "content-length: 6"),
    ...["5, 5", "5,5", "", "+5", "-1", "0x5", "5 5", "9".repeat(30)].map(length)
  ),
  ...refused("Content-Length larger than maxBodySize, before the body is read", 413, length("1001")),
  ...refused(
    "Transfer-Encoding other than one final chunked",
    400,
    ...["chunked, chunked", "xchunked", "chunked;q=1", "chunked, gzip", "gzip", "", "chunked\x0b", "chunked\0"].map(
      coding
    ),
    ...["chunked\x85", "chunked\xa0", "\xa0chunked"].map(coding),
    post("Transfer-Encoding: chunked", "Transfer-Encoding: chunked")
  ),
  ...refused("a coding before chunked", 501, coding("gzip, chunked")),
  ...refused(
    "Transfer-Encoding in an HTTP/1.0 request",
    400,
    lines("POST / HTTP/1.0", "Connection: keep-alive", "Transfer-Encoding: chunked")
  ),
  ...refusedInBody(
    "a chunk size that is not hexadecimal digits, or overflows",
    400,
    ...["+3", "-3", "0x3", " 3", "3 3", "\t3", "", "g", "3,", "10000000000000003"].map((size) =>
      chunked(`${size}\r\nabc\r\n0\r\n\r\n`)
    )
  ),
  ...refusedInBody(
    "chunk data that is not followed by exactly CRLF (CVE-2022-24790)",
    400,
    chunked("3\r\nabcd\r\n0\r\n\r\n"),
    chunked("3\r\nabc\n0\r\n\r\n"),
    chunked("3\r\nabc0\r\n\r\n")
  ),
  ...refusedInBody(
    "a chunk line that does not end with CRLF",
    400,
    chunked("3\nabc\r\n0\r\n\r\n"),
    chunked("3\rabc\r\n0\r\n\r\n")
  ),
  ...refusedInBody(
    "chunk extensions over their limit, also in sum (CVE-2024-22019)",
    400,
    chunked(`3;${"a".repeat(300)}`),
    chunked(`1;${"a".repeat(100)}\r\na\r\n`.repeat(3))
  ),
  ...refusedInBody(
    "CR, LF or a control byte in a chunk extension, quoted or not (CVE-2025-55315)",
    400,
    ...["a\nb", "a\rb", "a\0b", 'a="\n"', 'a="\r"', 'a="\x07"', "a\x7f"].map((extension) =>
      chunked(`3;${extension}\r\nabc\r\n0\r\n\r\n`)
    )
  ),
  ...refusedInBody("a last chunk without its final CRLF", 400, chunked("0\r\nGET"), chunked("0\r\n\n")),
  ...refusedInBody("a chunked body over maxBodySize", 413, chunked(`3e9\r\n${"a".repeat(1001)}\r\n`)),
  ...refusedInBody(
    "trailers over the header limits",
    431,
    chunked(`0\r\n${"a: b\r\n".repeat(6)}\r\n`),
    chunked(`0\r\na: ${"b".repeat(300)}\r\n\r\n`)
  )
]

const field = (line: string): string => get(line)
const target = (text: string): string => lines(`GET ${text} HTTP/1.1`, "Host: a")

const syntax: ReadonlyArray<Refusal> = [
  ...refused(
    "a bare LF or CR as line end in the head",
    400,
    "GET / HTTP/1.1\nHost: a\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\n\n",
    "GET / HTTP/1.1\rHost: a\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n"
  ),
  ...refused("obsolete line folding", 400, field("A: b\r\n c"), field("A: b\r\n\tc")),
  ...refused(
    "blanks before the colon, a leading blank on the first header, an empty name, no colon",
    400,
    field("A : b"),
    field("A\t: b"),
    lines("GET / HTTP/1.1", " Host: a"),
    field(": b"),
    field("A")
  ),
  ...refused(
    "a name that is not a token",
    400,
    ...["A(", "A b", 'A"', "\xe9", "A\0", "A/"].map((name) => field(`${name}: b`))
  ),
  ...refused(
    "a control byte in a value",
    400,
    ...["\0", "\x01", "\x0b", "\x1f", "\x7f"].map((byte) => field(`A: b${byte}c`))
  ),
  ...refused(
    "a method that is not a token",
    400,
    "G(T / HTTP/1.1\r\nHost: a\r\n\r\n",
    " / HTTP/1.1\r\nHost: a\r\n\r\n",
    "\x16\x03\x01\x02\0"
  ),
  ...refused(
    "a version other than HTTP/1.x",
    505,
    ...["2.0", "2.1", "0.9", "3.0"].map((version) => lines(`GET / HTTP/${version}`, "Host: a"))
  ),
  ...refused(
    "a garbled version",
    400,
    ...["http/1.1", "HTTP/1.10", "HTTP/11", "HTTP/1", "HTTP/1.1 ", ""].map((version) =>
      lines(`GET / ${version}`, "Host: a")
    ),
    lines("GET /", "Host: a")
  ),
  ...refused("a request line over the limit", 414, target(`/${"a".repeat(256)}`), `GET /${"a".repeat(300)}`),
  ...refused("headers over their size", 431, field(`A: ${"b".repeat(256)}`), get().slice(0, -2) + "b".repeat(300)),
  ...refused("headers over their count", 431, get(...Array.from({ length: 5 }, () => "A: b"))),
  ...refused(
    "HTTP/1.1 without exactly one valid Host",
    400,
    lines("GET / HTTP/1.1"),
    get("Host: a"),
    get("host: b"),
    ...["a b", "a/b", "user@a", "a:port", "a, b", "[::1", "a:99999"].map((host) =>
      lines("GET / HTTP/1.1", `Host: ${host}`)
    )
  ),
  ...refused("two Host fields in HTTP/1.0", 400, lines("GET / HTTP/1.0", "Host: a", "Host: a")),
  ...refused(
    "a target in the wrong form",
    400,
    target("*"),
    target("a:80"),
    target("/#fragment"),
    target("index.html"),
    target("http://user@b/"),
    target("http://user:secret@b/"),
    target("http://"),
    target("http:///x"),
    target("ftp://b/")
  ),
  ...refused("CONNECT", 501, lines("CONNECT a:443 HTTP/1.1", "Host: a:443")),
  ...refused("an expectation other than 100-continue", 417, field("Expect: 200-ok"), field("Expect: 100-continue, x")),
  ...refused(
    "a NUL or malformed percent-encoding in the path",
    400,
    ...["/%00", "/a%", "/%4", "/%zz", "/%2"].map(target)
  )
]

const checkRefusal = ({ request, runs, status }: Refusal): Effect.Effect<void> =>
  Effect.gen(function* () {
    const { application, scopes } = recorded(echo)
    const harness = yield* Effect.orDie(makeHarness(application, { options }))
    const transport = yield* converse(harness, request + get())
    assert.deepStrictEqual(statuses(transport.text), [status])
    const [response, rest] = readResponse(transport.text, { method: "GET", httpVersion: "1.1", keepAlive: true }, true)
    assert.isFalse(response.persistent, "the answer announces the close")
    assert.strictEqual(rest, "")
    assert.strictEqual(transport.ending, "ended")
    const before = transport.text
    transport.push(get())
    transport.push("\r\n\r\n" + get())
    yield* turn
    assert.strictEqual(transport.text, before, "leftovers and later bytes are never parsed")
    assert.strictEqual(scopes.length, runs === true ? 1 : 0)
    assert.deepStrictEqual(harness.errors, [])
    yield* finish(harness, transport)
  }).pipe(Effect.scoped)

const title = ({ line, request, status }: Refusal): string =>
  `${line} → ${status}, close: ${JSON.stringify(request.slice(0, 90))}`

describe("HTTP/1.x framing", () => {
  for (const refusal of framing) it.effect(title(refusal), () => checkRefusal(refusal))

  it.effect("every refusal is the same when the bytes come one by one", () =>
    Effect.gen(function* () {
      for (const { request, status, line } of [...framing, ...syntax]) {
        const harness = yield* makeHarness(recorded(echo).application, { options })
        const transport = harness.connect()
        for (const byte of request) transport.push(byte)
        // A line that may still become longer is refused at its end.
        transport.push("\r\n\r\n")
        yield* turn
        assert.deepStrictEqual(statuses(transport.text), [status], `${line}: ${JSON.stringify(request)}`)
        assert.strictEqual(transport.ending, "ended")
        yield* finish(harness, transport)
      }
    })
  )

  it.effect("chunked in any case is accepted, and its extensions and trailers are not part of the request", () =>
    Effect.gen(function* () {
      const { application, scopes } = recorded(echo)
      const harness = yield* makeHarness(application, { options })
      const body = '3;a;b="c d"\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 1\r\nHost: evil\r\nContent-Length: 9\r\n\r\n'
      const transport = yield* converse(harness, coding("cHunKEd") + body + get())
      assert.match(transport.text, /POST \/ abcdeHTTP\/1\.1 200 OK[^]*GET \/ $/)
      assert.deepStrictEqual(scopes[0]?.headers, [
        ["host", "a"],
        ["transfer-encoding", "cHunKEd"]
      ])
      assert.strictEqual(scopes.length, 2)
      yield* finish(harness, transport)
    })
  )

  for (const [name, request] of [
    ["content-length", post("Content-Length: 10") + "abc"],
    ["chunked", chunked("3\r\nabc\r\n0\r\n")],
    ["a head", "GET / HT"]
  ] as const) {
    it.effect(`a message that ends early is an error, never a short one: ${name}`, () =>
      Effect.gen(function* () {
        const harness = yield* makeHarness(recorded(echo).application, { options })
        const transport = yield* converse(harness, request)
        transport.pushEnd()
        yield* turn
        assert.notInclude(transport.text, "200")
        assert.notStrictEqual(transport.ending, "open")
        yield* finish(harness)
      })
    )
  }

  it.effect("a broken body that the application does not read ends the connection behind the one response", () =>
    Effect.gen(function* () {
      const { application, scopes } = recorded(hello)
      const harness = yield* makeHarness(application, { options })
      const transport = yield* converse(harness, chunked("zzz\r\n") + get())
      assert.deepStrictEqual(statuses(transport.text), [200])
      assert.strictEqual(transport.ending, "ended")
      assert.strictEqual(scopes.length, 1)
      yield* finish(harness, transport)
    })
  )

  it.effect("a broken body while the response is under way truncates it, without a second response", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((_, receive, send) =>
        Effect.gen(function* () {
          yield* send({ type: "http.response.start", status: 200 })
          yield* send({ type: "http.response.body", body: "part", more: true })
          yield* receive
          yield* send({ type: "http.response.body", body: "more" })
        })
      )
      const harness = yield* makeHarness(application, { options })
      const transport = yield* converse(harness, chunked("zzz\r\n"))
      assert.deepStrictEqual(statuses(transport.text), [200])
      assert.match(transport.text, /\r\n4\r\npart\r\n$/)
      assert.strictEqual(transport.ending, "closed")
      yield* finish(harness)
    })
  )
})

describe("HTTP/1.x syntax", () => {
  for (const refusal of syntax) it.effect(title(refusal), () => checkRefusal(refusal))

  const accepted: ReadonlyArray<readonly [name: string, request: string]> = [
    ["HTAB in a value", get("A: b\tc")],
    ["bytes above 0x7F in a value", get("A: \xe9")],
    ["ordinary names like __proto__ (CVE-2026-21710)", get("__proto__: 1", "constructor: 2", "toString: 3")],
    ["OPTIONS *", lines("OPTIONS * HTTP/1.1", "Host: a")],
    ["the absolute form", target("https://b:8080/x")],
    ["an empty Host", lines("GET / HTTP/1.1", "Host:")],
    ["HTTP/1.0 without Host", lines("GET / HTTP/1.0", "Connection: keep-alive")],
    ["an encoded slash", target("/a%2Fb")],
    ["empty lines before the request", "\r\n\r\n" + get()]
  ]
  for (const [name, request] of accepted) {
    it.effect(`${name} is accepted`, () =>
      Effect.gen(function* () {
        const { application, scopes } = recorded(echo)
        const harness = yield* makeHarness(application, { options })
        const transport = yield* converse(harness, request + request)
        assert.deepStrictEqual(statuses(transport.text), [200, 200])
        assert.strictEqual(transport.ending, "open")
        assert.strictEqual(scopes.length, 2)
        yield* finish(harness, transport)
      })
    )
  }
})

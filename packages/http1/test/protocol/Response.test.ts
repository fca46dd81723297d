import type { HeaderBlock } from "@pagi/core/HeaderBlock"
import { toBytes } from "@pagi/core/bytes/ByteString"
import { assert, describe, it } from "@effect/vitest"
import { Connection } from "../../src/protocol/Connection.ts"
import { errorResponse } from "../../src/protocol/ErrorResponse.ts"
import { afterHead, date, get, limits, lines, start, TextSink } from "../support/Machine.ts"

const dateLine = `date: ${date}`
const get10 = lines("GET / HTTP/1.0")
const get10KeepAlive = lines("GET / HTTP/1.0", "Connection: keep-alive")
const headRequest = lines("HEAD / HTTP/1.1", "Host: a")

describe("the response head", () => {
  it("has a status line, the application's fields in lower case, framing and date", () => {
    const { connection, sink } = start(
      get(),
      200,
      [
        ["Content-Type", "text/plain"],
        ["x", ""]
      ],
      { body: "hello" }
    )
    assert.strictEqual(
      sink.text,
      lines("HTTP/1.1 200 OK", "content-type: text/plain", "x: ", "content-length: 5", dateLine) + "hello"
    )
    assert.strictEqual(sink.writes, 1)
    assert.isTrue(connection.responseComplete)
  })

  it("is held back for the first piece of the body, or until it is flushed", () => {
    const connection = afterHead(get())
    const sink = new TextSink()
    connection.flushHead(sink)
    connection.startResponse(200, [], false, date)
    assert.strictEqual(sink.text, "")
    assert.isTrue(connection.responseStarted)
    assert.isFalse(connection.responseComplete)
    connection.flushHead(sink)
    connection.flushHead(sink)
    assert.strictEqual(sink.text, lines("HTTP/1.1 200 OK", "transfer-encoding: chunked", dateLine))
    connection.sendBody(sink, "x", true)
    assert.strictEqual(sink.writes, 2)
  })

  it("can still say that the connection closes while it is held back", () => {
    const connection = afterHead(get())
    const sink = new TextSink()
    connection.startResponse(200, [], false, date)
    connection.closeAfterResponse()
    connection.sendBody(sink, "", true)
    assert.include(sink.text, "connection: close\r\n")
  })

  it("keeps the space before an absent reason phrase", () => {
    assert.isTrue(start(get(), 299).sink.text.startsWith("HTTP/1.1 299 \r\n"))
  })

  it("keeps the application's date", () => {
    const { sink } = start(get(), 204, [["Date", "x"]])
    assert.strictEqual(sink.text, lines("HTTP/1.1 204 No Content", "date: x"))
  })

  it("names and values of final, informational and trailer sections are validated (response splitting)", () => {
    const connection = afterHead(get())
    const sink = new TextSink()
    const bad: ReadonlyArray<readonly [string, string]> = [
      ["a:", "a"],
      ["a\r\nb", "a"],
      ["a", "b\r\nc: d"],
      ["a", "\0"]
    ]
    for (const field of bad) {
      assert.isString(connection.sendInformational(sink, 103, [field]))
      assert.isString(connection.startResponse(200, [field], false, date))
    }
    assert.strictEqual(sink.text, "")
    assert.isFalse(connection.responseStarted)
    assert.isUndefined(connection.startResponse(200, [["a", "\t é"]], true, date))
    connection.flushHead(sink)
    const before = sink.text
    for (const field of bad) assert.isString(connection.sendTrailers(sink, [field]))
    assert.strictEqual(sink.text, before)
  })

  it("refuses a status that is not final, and a second start", () => {
    for (const status of [100, 103, 199, 600]) {
      assert.strictEqual(start(get(), status).problem, `${status} is not the status of a final response`)
    }
    const { connection } = start(get(), 200)
    assert.strictEqual(connection.startResponse(200, [], false, date), "the response has already started")
    assert.strictEqual(new Connection(limits).startResponse(200, [], false, date), "there is no request to answer")
  })

  it("drops the application's transfer-encoding and keep-alive fields", () => {
    const headers: HeaderBlock = [
      ["transfer-encoding", "gzip"],
      ["Keep-Alive", "x"],
      ["proxy-connection", "x"],
      ["connection", "x, keep-alive"]
    ]
    assert.strictEqual(
      start(get(), 200, headers, { body: "" }).sink.text,
      lines("HTTP/1.1 200 OK", "content-length: 0", dateLine)
    )
  })

  it("content-length from the application is one number, however often it is said", () => {
    const lengths = (one: string, other: string): HeaderBlock => [
      ["content-length", one],
      ["Content-Length", other]
    ]
    assert.strictEqual(start(get(), 200, lengths("1", "2")).problem, "content-length must be one decimal number")
    assert.strictEqual(
      start(get(), 200, lengths("1", "1")).sink.text,
      lines("HTTP/1.1 200 OK", "content-length: 1", dateLine)
    )
  })
})

describe("the framing of the response", () => {
  it("HTTP/1.1 without a length is chunked", () => {
    const { connection, sink } = start(get(), 200)
    assert.strictEqual(sink.text, lines("HTTP/1.1 200 OK", "transfer-encoding: chunked", dateLine))
    sink.text = ""
    sink.writes = 0
    connection.sendBody(sink, "hello", false)
    connection.sendBody(sink, "", false)
    connection.sendBody(sink, toBytes("0123456789abcdef"), false)
    connection.sendBody(sink, "x", true)
    assert.strictEqual(sink.text, "5\r\nhello\r\n10\r\n0123456789abcdef\r\n1\r\nx\r\n0\r\n\r\n")
    assert.strictEqual(sink.writes, 5)
    assert.isTrue(connection.responseComplete)
    assert.isTrue(connection.keepAlive)
  })

  it("an empty last piece ends a chunked body", () => {
    const { connection, sink } = start(get(), 200)
    sink.text = ""
    connection.sendBody(sink, new Uint8Array(0), true)
    assert.strictEqual(sink.text, "0\r\n\r\n")
  })

  it("HTTP/1.0 without a length is delimited by the end of the connection", () => {
    const { connection, sink } = start(get10KeepAlive, 200)
    assert.strictEqual(sink.text, lines("HTTP/1.1 200 OK", dateLine))
    assert.isTrue(connection.isCloseDelimited)
    connection.sendBody(sink, "hello", true)
    assert.isTrue(sink.text.endsWith("\r\n\r\nhello"))
    assert.isFalse(connection.keepAlive)
  })

  it("HTTP/1.0 with a length keeps the connection when the client asked for it", () => {
    const { connection, sink } = start(get10KeepAlive, 200, [], { body: "" })
    assert.strictEqual(sink.text, lines("HTTP/1.1 200 OK", "content-length: 0", "connection: keep-alive", dateLine))
    assert.isTrue(connection.keepAlive)
    assert.isFalse(start(get10, 200, [], { body: "" }).connection.keepAlive)
  })

  it("trailers make a response chunked", () => {
    const { connection, sink } = start(get(), 200, [["content-length", "5"]], { trailers: true })
    assert.strictEqual(sink.text, lines("HTTP/1.1 200 OK", "transfer-encoding: chunked", dateLine))
    sink.text = ""
    connection.sendBody(sink, "hello", false)
    connection.sendTrailers(sink, [
      ["X-Sum", "1"],
      ["Content-Length", "5"],
      ["set-cookie", "a"]
    ])
    assert.strictEqual(sink.text, "5\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n")
    assert.isTrue(connection.responseComplete)
  })

  it("trailers are left out for HTTP/1.0 and HEAD", () => {
    const old = start(get10KeepAlive, 200, [["content-length", "5"]], { trailers: true })
    assert.include(old.sink.text, "content-length: 5\r\n")
    assert.strictEqual(
      old.connection.sendTrailers(old.sink, [["x", "y"]]),
      "the body ends 5 bytes before its content-length"
    )
    old.connection.sendBody(old.sink, "hello", false)
    assert.isUndefined(old.connection.sendTrailers(old.sink, [["x", "y"]]))
    assert.isTrue(old.sink.text.endsWith("\r\n\r\nhello"))
    const head = start(headRequest, 200, [], { trailers: true })
    assert.isUndefined(head.connection.sendTrailers(head.sink, [["x", "y"]]))
    assert.strictEqual(head.sink.text, lines("HTTP/1.1 200 OK", dateLine))
  })

  it("trailers that were not announced are refused", () => {
    const { connection, sink } = start(get(), 200)
    assert.strictEqual(connection.sendTrailers(sink, []), "the response did not announce trailers")
    assert.isFalse(connection.responseComplete)
    assert.isTrue(connection.keepAlive)
  })

  it("no body with HEAD, 1xx, 204, 304; no Content-Length with 1xx and 204", () => {
    const length: HeaderBlock = [["content-length", "5"]]
    const cases: ReadonlyArray<readonly [request: string, status: number, hasLength: boolean]> = [
      [headRequest, 200, true],
      [get(), 304, true],
      [get(), 204, false]
    ]
    for (const [request, status, hasLength] of cases) {
      const { connection, sink } = start(request, status, length)
      const head = sink.text
      assert.strictEqual(head.includes("content-length: 5\r\n"), hasLength)
      assert.notInclude(head, "transfer-encoding")
      assert.isUndefined(connection.sendBody(sink, "hello", false))
      assert.isUndefined(connection.sendBody(sink, "hello", true))
      assert.strictEqual(sink.text, head)
      assert.isTrue(connection.responseComplete && connection.keepAlive)
    }
  })

  it("no length is made up for HEAD and 304", () => {
    assert.notInclude(start(headRequest, 200).sink.text, "content-length")
    assert.notInclude(start(headRequest, 200, [], { body: "" }).sink.text, "content-length")
    assert.include(start(headRequest, 200, [], { body: "content" }).sink.text, "content-length: 7")
    assert.notInclude(start(get(), 304, [], { body: "" }).sink.text, "content-length")
    assert.notInclude(start(get(), 204, [], { body: "" }).sink.text, "content-length")
  })

  it("a body longer than the declared Content-Length fails the send and closes", () => {
    const { connection, sink } = start(get(), 200, [["content-length", "5"]])
    const head = sink.text
    connection.sendBody(sink, "abc", false)
    assert.strictEqual(connection.sendBody(sink, "def", false), "the body exceeds content-length by 1 bytes")
    assert.strictEqual(sink.text, `${head}abc`)
    assert.isFalse(connection.keepAlive)
    assert.isFalse(connection.responseComplete)
  })

  it("a body shorter than the declared Content-Length closes the connection", () => {
    const { connection, sink } = start(get(), 200, [["content-length", "5"]])
    assert.strictEqual(connection.sendBody(sink, "abc", true), "the body ends 2 bytes before its content-length")
    assert.isFalse(connection.keepAlive)
    assert.isFalse(connection.responseComplete)
  })

  it("a body before the head and after the end is refused", () => {
    const connection = afterHead(get())
    const sink = new TextSink()
    assert.strictEqual(connection.sendBody(sink, "a", true), "the response has not started")
    assert.strictEqual(connection.sendTrailers(sink, []), "the response has not started")
    connection.startResponse(200, [], false, date)
    connection.sendBody(sink, "", true)
    assert.strictEqual(connection.sendBody(sink, "a", true), "the response is already complete")
    assert.strictEqual(connection.sendTrailers(sink, []), "the response is already complete")
  })
})

describe("the server's own answer", () => {
  it("is short text that closes the connection", () => {
    assert.strictEqual(
      errorResponse(503, "At capacity", date, { headers: [["retry-after", "5"]] }),
      lines(
        "HTTP/1.1 503 Service Unavailable",
        "content-type: text/plain; charset=utf-8",
        "content-length: 12",
        "connection: close",
        dateLine,
        "retry-after: 5"
      ) + "At capacity\n"
    )
  })

  it("has no content for HEAD", () => {
    const answered = errorResponse(500, "x", date, { head: true })
    assert.isTrue(answered.endsWith("\r\n\r\n"))
    assert.include(answered, "content-length: 2\r\n")
  })
})

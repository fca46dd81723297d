import { toBytes } from "@pagi/core/bytes/ByteString"
import { assert, describe, it } from "@effect/vitest"
import { Connection } from "../../src/protocol/Connection.ts"
import {
  afterHead,
  answer,
  chunked,
  date,
  get,
  limits,
  lines,
  post,
  type Sent,
  start,
  TextSink
} from "../support/Machine.ts"

const dateLine = `date: ${date}`

describe("persistence", () => {
  const closes = ({ connection, sink }: Sent): boolean => {
    const said = sink.text.includes("connection: close\r\n")
    assert.strictEqual(said, !connection.keepAlive)
    return said
  }

  it("ends when the client, the application or the server wants it", () => {
    assert.isFalse(closes(start(get(), 200)))
    assert.isTrue(closes(start(get("Connection: close"), 200)))
    assert.isTrue(closes(start(get(), 200, [["Connection", "x, Close"]])))
    const connection = afterHead(get())
    const sink = new TextSink()
    connection.closeAfterResponse()
    connection.startResponse(200, [], false, date)
    connection.flushHead(sink)
    assert.isTrue(closes({ connection, sink, problem: undefined }))
  })

  it("closeAfterResponse between requests counts for the next one", () => {
    const connection = afterHead(get())
    answer(connection)
    connection.closeAfterResponse()
    connection.receive(toBytes(get()))
    connection.next()
    const sink = new TextSink()
    connection.startResponse(200, [], false, date)
    connection.flushHead(sink)
    assert.isTrue(closes({ connection, sink, problem: undefined }))
  })

  it("goes on behind an unread body, which can be skipped", () => {
    assert.isFalse(closes(start(post(`Content-Length: ${limits.maxBodySize}`), 200)))
    assert.isFalse(closes(start(chunked(""), 200)))
  })

  it("ends after a protocol error in the body", () => {
    const { connection } = start(chunked("x"), 200)
    assert.strictEqual(connection.next().type, "error")
    assert.isFalse(connection.keepAlive)
  })

  it("never reuses a connection with body bytes in it", () => {
    const { connection, sink } = start(post("Content-Length: 5") + "he", 200)
    connection.sendBody(sink, "", true)
    connection.nextCycle()
    assert.isFalse(connection.bodyIsComplete)
    connection.skipBody()
    assert.strictEqual(connection.next().type, "need-data")
    connection.receive(toBytes("llo" + get()))
    assert.strictEqual(connection.next().type, "end")
    connection.nextCycle()
    assert.strictEqual(connection.next().type, "request")
  })
})

describe("100 (Continue) and other interim responses", () => {
  const expecting = post("Content-Length: 5", "Expect: 100-continue")
  const continued = "HTTP/1.1 100 Continue\r\n\r\n"

  it("100 is sent once, and only when it is awaited", () => {
    const sink = new TextSink()
    const connection = afterHead(expecting)
    connection.sendContinue(sink)
    connection.sendContinue(sink)
    assert.strictEqual(sink.text, continued)
    afterHead(post("Content-Length: 5")).sendContinue(sink)
    afterHead(`${expecting}h`).sendContinue(sink)
    afterHead(lines("POST / HTTP/1.0", "Content-Length: 5", "Expect: 100-continue")).sendContinue(sink)
    const started = start(expecting, 200)
    started.connection.sendContinue(sink)
    const arrived = afterHead(expecting)
    arrived.receive(toBytes("h"))
    arrived.sendContinue(sink)
    new Connection(limits).sendContinue(sink)
    assert.strictEqual(sink.text, continued)
  })

  it("a final response instead of 100 closes the connection", () => {
    assert.include(start(expecting, 401).sink.text, "connection: close")
    const connection = afterHead(expecting)
    const sink = new TextSink()
    connection.sendContinue(sink)
    connection.startResponse(200, [], false, date)
    connection.flushHead(sink)
    assert.isTrue(connection.keepAlive)
  })

  it("interim responses come before the final one, and not to HTTP/1.0", () => {
    const sink = new TextSink()
    const connection = afterHead(get())
    assert.isUndefined(
      connection.sendInformational(sink, 103, [
        ["Link", "</a>"],
        ["content-length", "1"]
      ])
    )
    assert.strictEqual(sink.text, lines("HTTP/1.1 103 Early Hints", "link: </a>"))
    assert.include(connection.sendInformational(sink, 101, []), "101 is not the status")
    assert.include(connection.sendInformational(sink, 200, []), "200 is not the status")
    connection.startResponse(200, [], false, date)
    assert.strictEqual(connection.sendInformational(sink, 103, []), "the response has already started")
    const old = new TextSink()
    assert.isUndefined(afterHead(lines("GET / HTTP/1.0")).sendInformational(old, 103, []))
    assert.strictEqual(old.text, "")
  })

  it("101 completes the response and hands over what follows the request", () => {
    const request = get("Connection: upgrade", "Upgrade: websocket")
    const { connection, sink } = start(`${request}frames`, 101, [
      ["Connection", "Upgrade"],
      ["Upgrade", "websocket"]
    ])
    assert.strictEqual(
      sink.text,
      lines("HTTP/1.1 101 Switching Protocols", "upgrade: websocket", "connection: Upgrade", dateLine)
    )
    assert.isTrue(connection.responseComplete)
    assert.isFalse(connection.keepAlive)
    assert.strictEqual(connection.next().type, "closed")
    assert.deepStrictEqual(connection.takeBuffered(), toBytes("frames"))
    assert.strictEqual(connection.next().type, "closed")
  })
})

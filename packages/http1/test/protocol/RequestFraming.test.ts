import { toBytes } from "@pagi/core/bytes/ByteString"
import { assert, describe, it } from "@effect/vitest"
import { Connection } from "../../src/protocol/Connection.ts"
import {
  afterHead,
  answer,
  chunked,
  converse,
  drain,
  get,
  head,
  limits,
  lines,
  post,
  read,
  refusal
} from "../support/Machine.ts"

/** What follows the head of a chunked request: the body's text, and then "end" or the error. */
const bodyOf = (wire: string, custom: Partial<typeof limits> = {}): string =>
  converse([chunked(wire)], custom)
    .slice(1)
    .map((event) =>
      "reason" in event
        ? `${String(event["status"])} ${String(event["reason"])}`
        : "text" in event
          ? event.text
          : event.type
    )
    .join(" ")

describe("HTTP/1.x framing: Content-Length", () => {
  it("Content-Length together with Transfer-Encoding → 400, close", () => {
    assert.strictEqual(refusal(post("Content-Length: 5", "Transfer-Encoding: chunked")), "400 conflicting-framing")
    assert.strictEqual(refusal(post("Transfer-Encoding: chunked", "Content-Length: 0")), "400 conflicting-framing")
  })

  it("Content-Length duplicated, even equal → 400, close", () => {
    assert.strictEqual(refusal(post("Content-Length: 5", "Content-Length: 5")), "400 duplicate-content-length")
    assert.strictEqual(refusal(post("Content-Length: 5", "Content-Length: 6")), "400 duplicate-content-length")
  })

  it("Content-Length a list, empty, or anything but [0-9]+ → 400, close", () => {
    for (const value of [
      "5, 5",
      "5,5",
      "",
      "+5",
      "-1",
      "0x5",
      "5 5",
      "5.0",
      "1e3",
      "٥",
      "5;",
      "9007199254740992",
      "9".repeat(40)
    ]) {
      assert.strictEqual(
        refusal(post(`Content-Length: ${value}`), { maxBodySize: 0 }),
        "400 invalid-content-length",
        value
      )
    }
    assert.strictEqual(head(post("Content-Length: 9007199254740991"), { maxBodySize: 0 }).bodyLength, 9007199254740991)
    assert.strictEqual(head(post("Content-Length: 00005")).bodyLength, 5)
  })

  it("Content-Length larger than maxBodySize → 413 before the body is read", () => {
    assert.strictEqual(refusal(post("Content-Length: 11"), { maxBodySize: 10 }), "413 body-too-large")
    assert.strictEqual(refusal(post("Content-Length: 10"), { maxBodySize: 10 }), "request")
  })

  it("a body has exactly the stated length, and what follows is the next request", () => {
    assert.deepStrictEqual(
      converse([post("Content-Length: 5") + "hello" + get()]).map((event) => event.type),
      ["request", "body", "end", "request", "closed"]
    )
  })

  it("a body that ends early is an error, never a short body", () => {
    const events = converse([post("Content-Length: 5") + "hell"])
    assert.deepInclude(events.at(2), { type: "error", reason: "incomplete-body" })
    assert.strictEqual(bodyOf("5\r\nhell"), "hell 400 incomplete-body closed")
    assert.strictEqual(bodyOf("5\r\nhello\r\n"), "hello 400 incomplete-body closed")
    assert.strictEqual(bodyOf("5\r\nhello\r\n0\r\n"), "hello 400 incomplete-body closed")
  })

  it("an end inside a head is an error, between messages it is not", () => {
    assert.deepInclude(converse(["GET / HTTP/1.1\r\n"])[0], { type: "error", reason: "incomplete-head" })
    assert.deepStrictEqual(converse([]), [{ type: "closed" }])
    assert.deepStrictEqual(converse(["\r\n"]), [{ type: "closed" }])
  })
})

describe("HTTP/1.x framing: Transfer-Encoding", () => {
  it("Transfer-Encoding must be exactly one final chunked (any case)", () => {
    assert.strictEqual(head(post("Transfer-Encoding: Chunked")).bodyLength, -1)
    for (const value of ["gzip, chunked", "identity, chunked", "x, y,chunked"]) {
      assert.strictEqual(refusal(post(`Transfer-Encoding: ${value}`)), "501 unknown-transfer-coding", value)
    }
    const doubtful = [
      "chunked, chunked",
      "xchunked",
      "gzip",
      "identity",
      "chunked;q=1",
      "chunked, gzip",
      "",
      ",chunked",
      "chunked,",
      "chunked\x85",
      "\xa0chunked",
      "\x85",
      "a b, chunked",
      "chunked chunked",
      '"chunked"'
    ]
    for (const value of doubtful) {
      assert.strictEqual(refusal(post(`Transfer-Encoding: ${value}`)), "400 invalid-transfer-encoding", value)
    }
    assert.strictEqual(refusal(post("Transfer-Encoding: chu\x0bnked")), "400 malformed-header")
    assert.strictEqual(
      refusal(post("Transfer-Encoding: chunked", "Transfer-Encoding: chunked")),
      "400 invalid-transfer-encoding"
    )
  })

  it("Transfer-Encoding in an HTTP/1.0 request → 400, close", () => {
    assert.strictEqual(refusal(lines("POST / HTTP/1.0", "Transfer-Encoding: chunked")), "400 transfer-encoding-in-1.0")
  })
})

describe("HTTP/1.x framing: chunks", () => {
  it("chunks are joined, sizes are hexadecimal in any case", () => {
    assert.strictEqual(bodyOf("5\r\nhello\r\n00A\r\n0123456789\r\n0\r\n\r\n"), "hello0123456789 end closed")
    assert.strictEqual(bodyOf("a\r\n0123456789\r\n000\r\n\r\n"), "0123456789 end closed")
  })

  describe("the data of small chunks that have come together", () => {
    /** The lengths of the pieces that are reported of a chunked body, and the events behind them. */
    const piecesOf = (...received: ReadonlyArray<string>): ReadonlyArray<number | string> => {
      const connection = afterHead(chunked(""))
      const pieces: Array<number | string> = []
      for (const part of received) {
        connection.receive(toBytes(part))
        for (let event = connection.next(); event.type !== "need-data"; event = connection.next()) {
          pieces.push(event.type === "body" ? event.bytes.length : event.type)
          if (event.type !== "body") break
        }
      }
      return pieces
    }
    const chunk = (length: number): string => `${length.toString(16)}\r\n${"x".repeat(length)}\r\n`

    it("is one piece, up to a limit", () => {
      assert.deepStrictEqual(piecesOf(`${chunk(1).repeat(10_000)}0\r\n\r\n`), [4096, 4096, 1808, "end"])
      assert.deepStrictEqual(piecesOf(`${chunk(1000).repeat(9)}0\r\n\r\n`), [4000, 4000, 1000, "end"])
    })

    it("is not joined with what is large, or has not come", () => {
      assert.deepStrictEqual(piecesOf(chunk(1) + chunk(1024) + chunk(2) + chunk(3)), [1, 1024, 5])
      assert.deepStrictEqual(piecesOf(chunk(1), chunk(2), `4\r\nab`, "cd", "\r\n0\r\n\r\n"), [1, 2, 2, 2, "end"])
    })

    it("is reported before what is wrong behind it", () => {
      for (const wrong of ["x", "\n", "2;", "1\rx", "1\r\nab"]) {
        assert.strictEqual(
          bodyOf(`${chunk(1)}${chunk(1)}${wrong}\r\n`).slice(0, 6),
          wrong.endsWith("ab") ? "xxa 40" : "xx 400",
          wrong
        )
      }
      assert.strictEqual(bodyOf(chunk(1).repeat(3), { maxBodySize: 2 }), "xx 413 body-too-large closed")
    })
  })

  it("chunk size [0-9A-Fa-f]+ only, with an overflow guard; no sign, no 0x", () => {
    for (const size of [
      "+5",
      "-5",
      "0x5",
      " 5",
      "5 5",
      "",
      ";x",
      "g",
      "5h",
      "20000000000000",
      "f".repeat(16),
      "0".repeat(17),
      "5\0"
    ]) {
      assert.strictEqual(
        bodyOf(`${size}\r\nhello\r\n0\r\n\r\n`, { maxBodySize: 0 }),
        "400 malformed-chunk closed",
        size
      )
    }
  })

  it("data followed by exactly CRLF (CVE-2022-24790)", () => {
    for (const end of ["\n", "\r", "\rX", "X\r\n", "", "\r\r\n"]) {
      assert.include(bodyOf(`5\r\nhello${end}0\r\n\r\n`), "hello 400 malformed-chunk", JSON.stringify(end))
    }
  })

  it("bare LF or bare CR as line end in chunk lines → 400", () => {
    for (const line of ["5\n", "5;a\n", "5\r", "5;a\rb\r\n", "5\r\r\n"]) {
      assert.strictEqual(bodyOf(`${line}hello\r\n0\r\n\r\n`), "400 malformed-chunk closed", JSON.stringify(line))
    }
    assert.strictEqual(bodyOf("0\r\n\n"), "400 bare-line-feed closed")
  })

  it("chunk extensions: total size bounded (CVE-2024-22019)", () => {
    const chunk = `1;${"a".repeat(49)}\r\nx\r\n`
    assert.strictEqual(bodyOf(`${chunk.repeat(2)}0\r\n\r\n`, { maxHeaderSize: 100 }), "xx end closed")
    assert.strictEqual(
      bodyOf(`${chunk.repeat(3)}0\r\n\r\n`, { maxHeaderSize: 100 }),
      "xx 400 chunk-extensions-too-large closed"
    )
  })

  it("chunk extensions: any CR, LF or control byte inside, quoted or not → 400 (CVE-2025-55315, CVE-2026-33870)", () => {
    for (const extension of ["\n", "\r", "\r;a", "a=\0", 'a="\n"', 'a="\r\n"', 'a="\\\r\n"', "a\x7f"]) {
      assert.match(bodyOf(`1;${extension}\r\nx\r\n0\r\n\r\n`), /^400 |^. 400 /, JSON.stringify(extension))
    }
  })

  it("chunk extensions are those of RFC 9112 §7.1.1; blanks may follow the size", () => {
    for (const line of ['1;a="b; c" ; d = "\t\xe9"', "1 ;a", "1\t;\ta\t=\tb", "1 ; a = 1", "1  ", "1\t"]) {
      assert.strictEqual(bodyOf(`${line}\r\nx\r\n0 ;last\r\n\r\n`), "x end closed", JSON.stringify(line))
    }
    for (const line of [
      "1;",
      "1;=v",
      "1;a@b",
      '1;a="b',
      "1;a=",
      "1; ",
      "1;a ",
      "1;;a",
      "1 a",
      '1;a="b"c',
      "1;a=\xe9"
    ]) {
      assert.strictEqual(bodyOf(`${line}\r\nx\r\n0\r\n\r\n`), "400 malformed-chunk closed", JSON.stringify(line))
    }
    // Each chunk has its own.
    assert.strictEqual(bodyOf('1;a="b"\r\nx\r\n1;c\r\ny\r\n0;d=e\r\n\r\n'), "xy end closed")
  })

  it("the last chunk's final CRLF is mandatory", () => {
    const connection = afterHead(chunked("0\r\n"))
    assert.strictEqual(connection.next().type, "need-data")
    connection.receive(toBytes("\r\n"))
    assert.strictEqual(connection.next().type, "end")
    assert.strictEqual(bodyOf(`0\r\n${get()}`), "400 malformed-header closed")
  })

  it("chunked bodies are checked against maxBodySize as they arrive → 413", () => {
    assert.strictEqual(bodyOf("5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n", { maxBodySize: 10 }), "helloworld end closed")
    assert.strictEqual(bodyOf("5\r\nhello\r\n6\r\n", { maxBodySize: 10 }), "hello 413 body-too-large closed")
  })
})

describe("HTTP/1.x framing: trailers", () => {
  const trailersOf = (wire: string): unknown => read(chunked(wire)).find((event) => event.type === "end")

  it("trailers share the header limits", () => {
    const trailer = `0\r\n${lines(`X: ${"a".repeat(95)}`)}`
    assert.strictEqual(bodyOf(trailer, { maxHeaderSize: 100 }), "end closed")
    assert.strictEqual(bodyOf(trailer, { maxHeaderSize: 99 }), "400 headers-too-large closed".replace("400", "431"))
    assert.strictEqual(
      bodyOf(`0\r\n${lines("A: b", "C: d", "E: f")}`, { maxHeaderCount: 2 }),
      "431 too-many-headers closed"
    )
  })

  it("trailers are never merged into headers", () => {
    const [request, end] = read(chunked(`0\r\n${lines("X-Sum: 1")}`))
    assert.deepNestedInclude(request, {
      headers: [
        ["host", "a"],
        ["transfer-encoding", "chunked"]
      ]
    })
    assert.deepStrictEqual(end, { type: "end", trailers: [["x-sum", "1"]] })
  })

  it("framing, host and authentication names are dropped from trailers", () => {
    const names = [
      "Content-Length",
      "Transfer-Encoding",
      "Host",
      "Authorization",
      "Cookie",
      "Set-Cookie",
      "Connection",
      "TE",
      "Trailer",
      "Expect",
      "If-Match"
    ]
    const section = lines(...names.map((name) => `${name}: 1`), "X-Sum: 1")
    assert.deepStrictEqual(trailersOf(`0\r\n${section}`), { type: "end", trailers: [["x-sum", "1"]] })
  })

  it("trailers have the syntax of headers", () => {
    assert.strictEqual(bodyOf("0\r\n X: a\r\n\r\n"), "400 obsolete-folding closed")
    assert.strictEqual(bodyOf("0\r\nX : a\r\n\r\n"), "400 malformed-header closed")
    assert.strictEqual(bodyOf("0\r\nX: a\0\r\n\r\n"), "400 malformed-header closed")
  })
})

describe("after an error or an unread body", () => {
  it("leftover bytes are never parsed as a request", () => {
    const connection = new Connection(limits)
    connection.receive(toBytes(post("Content-Length: x") + get()))
    assert.strictEqual(connection.next().type, "error")
    assert.strictEqual(connection.next().type, "closed")
    connection.receive(toBytes(get()))
    assert.strictEqual(connection.next().type, "closed")
    assert.strictEqual(connection.bufferedLength, 0)
    assert.isFalse(connection.keepAlive)
  })

  it("an unread body is skipped, whatever its size", () => {
    const connection = afterHead(post("Content-Length: 100000") + "x".repeat(1000))
    connection.skipBody()
    assert.strictEqual(connection.next().type, "need-data")
    assert.strictEqual(connection.bufferedLength, 0)
    connection.receive(toBytes("x".repeat(99_000) + get()))
    assert.strictEqual(connection.next().type, "end")
    assert.isTrue(connection.bodyIsComplete)
    assert.strictEqual(connection.next().type, "paused")
    assert.strictEqual(connection.bufferedLength, get().length)
  })

  it("skipping ends with the request for which it was asked", () => {
    const request = post("Content-Length: 5") + "hello"
    const connection = afterHead(request + request)
    connection.skipBody()
    drain(connection)
    answer(connection)
    assert.deepStrictEqual(
      drain(connection).map((event) => event.type),
      ["request", "body", "end"]
    )
  })

  it("an unread chunked body may become larger than one that is read", () => {
    const connection = afterHead(chunked(""), { maxBodySize: 10 })
    connection.receive(toBytes("8\r\n12345678\r\n"))
    assert.strictEqual(connection.next().type, "body")
    connection.skipBody()
    for (let piece = 0; piece < 1000; piece++) {
      assert.strictEqual(connection.next().type, "need-data")
      connection.receive(toBytes("1\r\nx\r\n"))
    }
    connection.receive(toBytes("0\r\n\r\n"))
    assert.strictEqual(connection.next().type, "end")
    assert.strictEqual(connection.bufferedLength, 0)
  })

  it("an unread chunked body must be right all the same", () => {
    const connection = afterHead(chunked("3\r\nab"))
    connection.skipBody()
    connection.receive(toBytes("cd"))
    assert.strictEqual(connection.next().type, "error")
    assert.isFalse(connection.keepAlive)
  })

  it("nothing follows a request with Connection: close", () => {
    const events = converse([get("Connection: close") + get()])
    assert.deepStrictEqual(
      events.map((event) => event.type),
      ["request", "closed"]
    )
  })

  it("a pipelined request waits for the next cycle", () => {
    const connection = afterHead(get() + get())
    assert.deepStrictEqual(drain(connection), [])
    connection.nextCycle()
    assert.strictEqual(connection.next().type, "paused")
  })
})

describe("buffers", () => {
  it("body pieces are views of the received bytes", () => {
    const bytes = toBytes(post("Content-Length: 5") + "hello")
    const connection = new Connection(limits)
    connection.receive(bytes)
    connection.next()
    const piece = connection.next()
    assert.isTrue(piece.type === "body" && piece.bytes.buffer === bytes.buffer)
  })

  it("a piece stays as it was while more is received", () => {
    const connection = new Connection(limits)
    for (const character of post("Content-Length: 2000")) connection.receive(toBytes(character))
    connection.next()
    connection.receive(toBytes("a".repeat(10)))
    const first = connection.next()
    connection.receive(toBytes("b".repeat(1990)))
    connection.next()
    assert.isTrue(first.type === "body" && first.bytes.every((byte) => byte === 0x61))
  })

  it("nothing is kept between requests", () => {
    const connection = afterHead(get())
    assert.strictEqual(connection.bufferedLength, 0)
  })
})

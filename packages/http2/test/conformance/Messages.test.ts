import { END_HEADERS } from "../../src/protocol/frame/Flag.ts"
import { echoed, fails, hello, resets, type Rule, section, refusal } from "../support/Conformance.ts"
import {
  block,
  data,
  frame,
  get,
  getBlock,
  getFields,
  headers,
  lastData,
  post,
  reset,
  settings,
  trailers,
  uint
} from "../support/WireFrames.ts"

const malformed = [resets(1, "PROTOCOL_ERROR")]

/** What `/head` has been told. */
const head = (method: string, path: string, query: string, ...fields: ReadonlyArray<readonly [string, string]>) =>
  echoed(1, JSON.stringify([method, path, query, fields]))

const host = ["host", "a.example"] as const

/** A HEAD response has no content, but tells its length. */
const headRequest = (path: string) => headers(1, block(...getFields(path, "HEAD")))

section("RFC 9113 §8.1 requests and responses", [
  ["GET", [get(1)], hello(1)],
  ["HEAD", [headRequest("/")], ["HEADERS 1 END :status 200; content-length 5"]],
  ["POST", [post(1) + lastData(1, "test")], echoed(1, "test")],
  [
    "POST with trailers",
    [post(1, "/echo", "trailer: x-test") + data(1, "test") + trailers(1, "x-test: ok")],
    echoed(1, "test")
  ],
  ["trailers without content", [post(1) + trailers(1, "x-test: ok")], echoed(1, "")],
  ["empty trailers", [post(1) + data(1, "a") + trailers(1)], echoed(1, "a")],
  [
    "trailers in the response",
    [get(1, "/trailers")],
    ["HEADERS 1 :status 200", "DATA 1 hello", "HEADERS 1 END x-sum 5"]
  ],
  ["a response without content", [get(1, "/empty")], ["HEADERS 1 END :status 204"]],
  [
    "a second header section without END_STREAM",
    [post(1) + data(1, "test") + headers(1, block("x-test: ok"), END_HEADERS)],
    malformed
  ],
  [
    "trailers behind the end",
    [post(1, "/wait") + lastData(1, "") + trailers(1, "x-test: ok")],
    [resets(1, "STREAM_CLOSED")]
  ],
  ["trailers behind trailers", [post(1, "/wait") + trailers(1) + trailers(1)], [resets(1, "STREAM_CLOSED")]],
  ["content behind trailers", [post(1, "/wait") + trailers(1) + data(1, "")], [resets(1, "STREAM_CLOSED")]],
  ["a pseudo-header field in trailers", [post(1) + trailers(1, ":method: POST")], malformed],
  ["an upper-case name in trailers", [post(1) + trailers(1, "X-Test: ok")], malformed],
  ["a field of a connection in trailers", [post(1) + trailers(1, "connection: close")], malformed],
  [
    "requests answered in the order in which they can be",
    [post(1) + post(3) + lastData(3, "b"), lastData(1, "a")],
    [...echoed(3, "b"), ...echoed(1, "a")]
  ],
  [
    "content of two requests that alternates",
    [post(1) + post(3) + data(1, "a") + data(3, "b") + data(1, "c") + lastData(3, "d") + lastData(1, "e")],
    [...echoed(3, "bd"), ...echoed(1, "ace")]
  ]
])

const mismatch = (...sends: ReadonlyArray<string>): Rule => [
  `DATA of ${sends.map((text) => text.length).join(" and ")} bytes`,
  [
    post(1, "/echo", "content-length: 4") +
      sends.map((text, at) => (at === sends.length - 1 ? lastData(1, text) : data(1, text))).join("")
  ],
  malformed
]

section("RFC 9113 §8.1.1 content-length", [
  ["that is right", [post(1, "/echo", "content-length: 4") + lastData(1, "test")], echoed(1, "test")],
  [
    "that is right, in pieces and with trailers",
    [post(1, "/echo", "content-length: 4") + data(1, "te") + data(1, "st") + trailers(1)],
    echoed(1, "test")
  ],
  ["padding does not count", [post(1, "/echo", "content-length: 4") + data(1, "\x02test\0\0", 9)], echoed(1, "test")],
  mismatch("x"),
  mismatch("testx"),
  mismatch("test", "test"),
  mismatch("te", "s"),
  mismatch(""),
  ["too much before the end", [post(1, "/echo", "content-length: 4") + data(1, "testx")], malformed],
  ["too little before trailers", [post(1, "/echo", "content-length: 4") + data(1, "tes") + trailers(1)], malformed],
  ["no content, but a length", [get(1, "/", "content-length: 1")], malformed],
  ["no content, and a length of 0", [get(1, "/", "content-length: 0")], hello(1)],
  ["content, but a length of 0", [post(1, "/echo", "content-length: 0") + lastData(1, "x")], malformed],
  ...["", "-1", "+1", "1,1", "1, 1", "0x1", "1.0", "99999999999999999999"].map((value): Rule => [
    `the value ${JSON.stringify(value)}`,
    [post(1, "/echo", `content-length: ${value}`)],
    malformed
  ]),
  ["twice", [post(1, "/echo", "content-length: 4", "content-length: 4")], malformed],
  [
    "after the response, an excess is an error still",
    [post(1, "/", "content-length: 1"), data(1, "xx")],
    [...hello(1), ...malformed]
  ]
])

const withFields = (name: string, fields: ReadonlyArray<string>, expects: ReadonlyArray<string> = malformed): Rule => [
  name,
  [headers(1, block(...fields))],
  expects
]

const extra = (...fields: ReadonlyArray<string>): ReadonlyArray<string> => [...getFields(), ...fields]

const badNames = [
  "X-TEST",
  "x-Test",
  "x test",
  "x:test",
  "",
  " x",
  "x ",
  "x\0",
  "x\x7f",
  "x\xe9",
  "x,",
  "x/y",
  "\tx",
  ":",
  ":x",
  "x\n"
]
const badValues = ["a\0b", "a\rb", "a\nb", "a\r\nb: c", " a", "a ", "\ta", "a\t", " ", "\t"]

section("RFC 9113 §8.2.1 fields that are malformed", [
  ...badNames.map((name): Rule => [
    `the name ${JSON.stringify(name)}`,
    [headers(1, `${getBlock}\x00${uint(8, name.length)}${name}\x02ok`)],
    malformed
  ]),
  ...badValues.map((value): Rule => [
    `the value ${JSON.stringify(value)}`,
    [headers(1, `${getBlock}\x00\x01x${uint(8, value.length)}${value}`)],
    malformed
  ]),
  ...badValues
    .slice(0, 4)
    .map((value): Rule => [
      `of a pseudo-header field: ${JSON.stringify(value)}`,
      [headers(1, block(...getFields(`/${value}`)))],
      malformed
    ]),
  withFields("a value may be empty", extra("x-a: "), hello(1)),
  withFields("or have blanks within", extra("x-a: a b\tc"), hello(1)),
  withFields(
    "or other bytes",
    [...getFields("/head"), "x-a: \xe9\x80"],
    head("GET", "/head", "", host, ["x-a", "\xc3\xa9\xc2\x80"])
  ),
  withFields(
    "fields may be repeated",
    [...getFields("/head"), "x-a: 1", "x-b: 2", "x-a: 3"],
    head("GET", "/head", "", host, ["x-a", "1"], ["x-b", "2"], ["x-a", "3"])
  )
])

section("RFC 9113 §8.2.2 fields of a connection", [
  ...[
    "connection: keep-alive",
    "connection: close",
    "connection: x-a",
    "proxy-connection: keep-alive",
    "keep-alive: timeout=5",
    "transfer-encoding: chunked",
    "transfer-encoding: identity",
    "upgrade: websocket",
    "te: gzip",
    "te: trailers, deflate",
    "te: trailers;q=1"
  ].map((field) => withFields(field, extra(field))),
  withFields("te: trailers", extra("te: trailers"), hello(1)),
  withFields("te: Trailers", extra("te: Trailers"), hello(1))
])

section("RFC 9113 §8.2.3 cookies", [
  withFields(
    "one",
    [...getFields("/head"), "cookie: a=b; c=d"],
    head("GET", "/head", "", host, ["cookie", "a=b; c=d"])
  ),
  withFields(
    "several are one field",
    [...getFields("/head"), "cookie: a=b", "x-a: 1", "cookie: c=d", "cookie: e=f"],
    head("GET", "/head", "", host, ["cookie", "a=b; c=d; e=f"], ["x-a", "1"])
  ),
  withFields(
    "behind other fields",
    [...getFields("/head"), "x-a: 1", "cookie: c=d", "cookie: e=f"],
    head("GET", "/head", "", host, ["x-a", "1"], ["cookie", "c=d; e=f"])
  )
])

const without = (name: string): Array<string> => getFields().filter((field) => !field.startsWith(name))

section("RFC 9113 §8.3 pseudo-header fields", [
  withFields("unknown", [...getFields(), ":test: ok"]),
  withFields("of a response", [...getFields(), ":status: 200"]),
  withFields("an upper-case name", [...without(":path"), ":Path: /"]),
  ...getFields().map((field) =>
    withFields(`${field} behind a regular field`, [...getFields().filter((other) => other !== field), "x-a: b", field])
  ),
  withFields("behind a cookie", [...without(":path"), "cookie: a=b", ":path: /"]),
  withFields("behind host", [...without(":path"), "host: a.example", ":path: /"]),
  withFields("behind content-length", [...without(":path"), "content-length: 0", ":path: /"]),
  withFields("behind te", [...without(":path"), "te: trailers", ":path: /"]),
  withFields("behind expect", [...without(":path"), "expect: 100-continue", ":path: /"]),
  ...getFields().map((field) => withFields(`${field} twice`, [...getFields(), field])),
  withFields("another value the second time", [...getFields(), ":path: /b"]),
  withFields("in any order", getFields().toReversed(), hello(1))
])

const path = (target: string, expects: ReadonlyArray<string> = malformed, method = "GET"): Rule =>
  withFields(`${method} ${JSON.stringify(target)}`, getFields(target, method), expects)

const authority = (value: string, expects: ReadonlyArray<string> = malformed): Rule =>
  withFields(`:authority ${JSON.stringify(value)}`, [...without(":authority"), `:authority: ${value}`], expects)

section("RFC 9113 §8.3.1 requests", [
  withFields("no :method", without(":method")),
  withFields("no :scheme", without(":scheme")),
  withFields("no :path", without(":path")),
  withFields("nothing at all", []),
  withFields("an empty :method", [...without(":method"), ":method: "]),
  withFields("a :method that is no token", [...without(":method"), ":method: GE T"]),
  path(""),
  path("a"),
  path("http://a.example/"),
  path("?a"),
  path("/a b"),
  path("/a#b"),
  path("/\x7f"),
  path("*"),
  path("*", malformed, "POST"),
  path("**", malformed, "OPTIONS"),
  path("/head?a=b?c", head("GET", "/head", "a=b?c", host)),
  path("/head", head("PATCH", "/head", "", host), "PATCH"),
  path("*", hello(1), "OPTIONS"),
  withFields("host in place of :authority", [...without(":authority"), "host: b.example"], hello(1)),
  withFields("neither", without(":authority")),
  withFields("an empty host", [...without(":authority"), "host: "]),
  withFields(
    "both, equal",
    [...getFields("/head"), "x-a: 1", "host: A.example"],
    head("GET", "/head", "", host, ["x-a", "1"])
  ),
  withFields("both, different", extra("host: b.example")),
  withFields("host twice", [...without(":authority"), "host: a.example", "host: a.example"]),
  authority(""),
  authority("user@a.example"),
  authority("user:password@a.example"),
  authority("a.example:99999"),
  authority("a.example/"),
  authority("a b"),
  authority("[::1"),
  authority("a.example:8080", hello(1)),
  authority("[::1]:80", hello(1)),
  authority("A.Example", hello(1))
])

const begun101 = ["HEADERS 1 :status 100"]

section("RFC 9110 §10.1.1 expectations", [
  [
    "100-continue is answered when content is wanted",
    [post(1, "/echo", "expect: 100-continue"), lastData(1, "x")],
    [...begun101, ...echoed(1, "x")]
  ],
  [
    "empty elements of the list say nothing",
    [post(1, "/echo", "expect: , 100-continue"), lastData(1, "x"), post(3, "/echo", "expect: ,"), lastData(3, "x")],
    [...begun101, ...echoed(1, "x"), ...echoed(3, "x")]
  ],
  ["but not when it is not", [post(1, "/", "expect: 100-continue"), lastData(1, "x")], hello(1)],
  ["or has come", [post(1, "/echo", "expect: 100-continue") + reset(1)], begun101]
])

section("requests that are well-formed and cannot be served", [
  path("/%", refusal(400, "The path has malformed percent-encoding or a NUL")),
  path("/%00", refusal(400, "The path has malformed percent-encoding or a NUL")),
  withFields("an expectation", extra("expect: magic"), refusal(417, "The only supported expectation is 100-continue")),
  withFields(
    "too many fields",
    [...getFields(), ...Array.from({ length: 100 }, () => "a: b")],
    refusal(431, "The header section is too large")
  ),
  [
    "too large a section by indexed fields",
    [headers(1, `${getBlock}\x40\x01a\x7f\xc1\x1d${"x".repeat(0x7f + 0x41 + 0x1d * 128)}${"\xbe".repeat(30)}`)],
    refusal(431, "The header section is too large")
  ]
])

section("RFC 9113 §8.4 server push", [
  [
    "clients may not push",
    [post(1) + frame(5, END_HEADERS, 1, `${uint(32, 2)}${getBlock}`)],
    fails(1, "PROTOCOL_ERROR")
  ],
  ["and none is made, whatever they allow", [settings([2, 1]) + get(1)], ["SETTINGS ACK", ...hello(1)]]
])

const connect = (...fields: ReadonlyArray<string>): ReadonlyArray<string> => [":method: CONNECT", ...fields]

section("RFC 9113 §8.5 CONNECT", [
  withFields("is not supported", connect(":authority: a.example:443"), refusal(501, "CONNECT is not supported")),
  withFields("with :scheme", connect(":scheme: http", ":authority: a.example:443")),
  withFields("with :path", connect(":path: /", ":authority: a.example:443")),
  withFields("with both", connect(":scheme: http", ":path: /", ":authority: a.example:443")),
  withFields("without :authority", connect()),
  [
    "with content",
    [headers(1, block(...connect(":authority: a.example:443")), END_HEADERS), lastData(1, "x")],
    refusal(501, "CONNECT is not supported")
  ]
])

import { fails, hello, section } from "../support/Conformance.ts"
import { get, goAway, ping, post, reset, windowUpdate } from "../support/WireFrames.ts"

const codes = [...Array(15).keys(), 0xff, 0x7fff_ffff, 0xffff_ffff]

section("RFC 9113 §7 error codes", [
  [
    "every code in RST_STREAM, also unknown ones",
    codes.map((code, index) => post(2 * index + 1, "/wait") + reset(2 * index + 1, code)),
    []
  ],
  ["every code in GOAWAY", codes.map((code) => goAway(0, code)), []],
  [
    "unknown codes have no effect on others",
    [post(1) + reset(1, 0xff) + goAway(0, 0xff) + ping() + get(3)],
    ["PING ACK pingpong", ...hello(3)]
  ],
  [
    "errors of a connection of which the client says it is broken",
    [goAway(0, 1) + windowUpdate(0, 0)],
    fails(0, "PROTOCOL_ERROR")
  ]
])

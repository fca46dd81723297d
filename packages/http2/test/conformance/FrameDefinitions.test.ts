import { ACK, END_HEADERS, END_STREAM, PADDED, PRIORITY } from "../../src/protocol/frame/Flag.ts"
import { echoed, fails, hello, resets, type Rule, section } from "../support/Conformance.ts"
import {
  block,
  continuation,
  data,
  frame,
  get,
  getBlock,
  getFields,
  goAway,
  headers,
  lastData,
  ping,
  post,
  priority,
  reset,
  settings,
  settingsAck,
  uint,
  windowUpdate
} from "../support/WireFrames.ts"

const wait = get(1, "/wait")
const zeros = (count: number): string => "\0".repeat(count)

/** A rule for every length that the payload of a frame may not have. */
const lengths = (
  type: number,
  streamId: number,
  wrong: ReadonlyArray<number>,
  expects: ReadonlyArray<string>
): Array<Rule> =>
  wrong.map((length) => [
    `a payload of ${length} bytes`,
    [wait + frame(type, 0, streamId, "\x01".repeat(length))],
    expects
  ])

const large = (length: number) => `HEADERS 1 :status 200; content-length ${length}`

/** What is sent at once of a large response. */
const firstWindow = ["DATA 1 16384 bytes", "DATA 1 16384 bytes", "DATA 1 16384 bytes", "DATA 1 16383 bytes"]

const END = END_STREAM | END_HEADERS

section("RFC 9113 §6.1 DATA", [
  ["one frame", [post(1), lastData(1, "test")], echoed(1, "test")],
  ["two", [post(1), data(1, "test"), lastData(1, "ed")], echoed(1, "tested")],
  ["padding is taken off", [post(1), data(1, `\x05test${zeros(5)}`, PADDED | END_STREAM)], echoed(1, "test")],
  ["padding of length 0", [post(1), data(1, "\x00test", PADDED | END_STREAM)], echoed(1, "test")],
  ["nothing but padding", [post(1), data(1, `\xff${zeros(255)}`, PADDED | END_STREAM)], echoed(1, "")],
  [
    "padding that is not zero may be accepted",
    [post(1), data(1, "\x03testabc", PADDED | END_STREAM)],
    echoed(1, "test")
  ],
  [
    "padding as long as the payload",
    [post(1), data(1, `\x05${zeros(4)}`, PADDED | END_STREAM)],
    fails(1, "PROTOCOL_ERROR")
  ],
  ["padding longer than the payload", [post(1), data(1, "\xfftest", PADDED)], fails(1, "PROTOCOL_ERROR")],
  ["PADDED without a length", [post(1), data(1, "", PADDED)], fails(1, "FRAME_SIZE_ERROR")],
  ["on stream 0", [data(0, "test")], fails(0, "PROTOCOL_ERROR")],
  ["on stream 0, with END_STREAM", [wait + lastData(0, "")], fails(1, "PROTOCOL_ERROR")]
])

section("RFC 9113 §6.2 HEADERS", [
  ["one frame", [get(1)], hello(1)],
  ["padding", [headers(1, `\x08${getBlock}${zeros(8)}`, END | PADDED)], hello(1)],
  ["priority", [headers(1, `${uint(32, 0)}\xff${getBlock}`, END | PRIORITY)], hello(1)],
  ["exclusive priority", [headers(1, `${uint(32, 2 ** 31)}\xff${getBlock}`, END | PRIORITY)], hello(1)],
  [
    "padding and priority",
    [headers(1, `\x03${uint(32, 0)}\x00${getBlock}${zeros(3)}`, END | PADDED | PRIORITY)],
    hello(1)
  ],
  ["padding as long as what is left", [headers(1, `\x05${zeros(4)}`, END | PADDED)], fails(0, "PROTOCOL_ERROR")],
  [
    "padding longer than the block",
    [headers(1, `${uint(8, getBlock.length + 2)}${getBlock}`, END | PADDED)],
    fails(0, "PROTOCOL_ERROR")
  ],
  [
    "padding that leaves no room for the priority",
    [headers(1, `\x01${zeros(5)}`, END | PADDED | PRIORITY)],
    fails(0, "PROTOCOL_ERROR")
  ],
  ["PADDED without a length", [headers(1, "", END | PADDED)], fails(0, "FRAME_SIZE_ERROR")],
  ["PRIORITY without room for it", [headers(1, zeros(4), END | PRIORITY)], fails(0, "FRAME_SIZE_ERROR")],
  [
    "a stream that depends on itself (RFC 7540 §5.3.1)",
    [headers(1, `${uint(32, 1)}\xff${getBlock}`, END | PRIORITY)],
    [resets(1, "PROTOCOL_ERROR")]
  ],
  ["on stream 0", [headers(0, getBlock)], fails(0, "PROTOCOL_ERROR")],
  [
    "END_STREAM on HEADERS that CONTINUATION completes",
    [headers(1, "", END_STREAM) + continuation(1, getBlock)],
    hello(1)
  ],
  [
    "a request without END_STREAM goes on with DATA",
    [headers(1, block(...getFields("/echo", "POST")), END_HEADERS), lastData(1, "x")],
    echoed(1, "x")
  ]
])

section("RFC 9113 §6.3 PRIORITY", [
  ["weight 1", [priority(1, 0, 0) + get(1)], hello(1)],
  ["weight 256", [priority(1, 0, 255) + get(1)], hello(1)],
  ["a dependency on an idle stream", [priority(3, 1) + get(1)], hello(1)],
  ["exclusive", [priority(1, 2 ** 31) + get(1)], hello(1)],
  ["on an idle stream, then a request on a lower one", [priority(3) + get(1)], hello(1)],
  ["on stream 0", [priority(0)], fails(0, "PROTOCOL_ERROR")],
  ["an idle stream that depends on itself", [priority(1, 1)], fails(0, "PROTOCOL_ERROR")],
  ["an open stream that depends on itself", [wait + priority(1, 1)], [resets(1, "PROTOCOL_ERROR")]],
  ...lengths(2, 1, [0, 1, 4, 6, 10], [resets(1, "FRAME_SIZE_ERROR")])
])

section("RFC 9113 §6.4 RST_STREAM", [
  ["ends the stream", [wait + reset(1)], []],
  ["on stream 0", [wait + reset(0)], fails(1, "PROTOCOL_ERROR")],
  ["on an idle stream", [reset(1)], fails(0, "PROTOCOL_ERROR")],
  ["on an idle stream above an open one", [wait + reset(3)], fails(1, "PROTOCOL_ERROR")],
  ["on an idle stream, with a wrong length", [frame(3, 0, 1, "\0\0\0")], fails(0, "FRAME_SIZE_ERROR")],
  ...lengths(3, 1, [0, 3, 5, 8], fails(1, "FRAME_SIZE_ERROR")),
  ["ends a response that has begun", [get(1, "/begin"), reset(1)], ["HEADERS 1 :status 200", "DATA 1 begun"]],
  [
    "what was to be sent is forgotten",
    [get(1, "/large/1000000"), reset(1) + windowUpdate(0, 1_000_000) + get(3)],
    [large(1_000_000), ...firstWindow, ...hello(3)]
  ]
])

const ackTwice = ["SETTINGS ACK", "SETTINGS ACK"]

section("RFC 9113 §6.5 SETTINGS", [
  ["each is acknowledged", [settings() + settings()], ackTwice],
  ["all that are defined", [settings([1, 4096], [2, 1], [3, 100], [4, 65535], [5, 16384], [6, 100])], ["SETTINGS ACK"]],
  ["an acknowledgement that nobody waits for", [settingsAck + settingsAck], []],
  ["an acknowledgement with a payload", [frame(4, ACK, 0, zeros(6))], fails(0, "FRAME_SIZE_ERROR")],
  ["an acknowledgement with one byte", [frame(4, ACK, 0, "x")], fails(0, "FRAME_SIZE_ERROR")],
  ["on a stream", [frame(4, 0, 1)], fails(0, "PROTOCOL_ERROR")],
  ["an acknowledgement on a stream", [wait + frame(4, ACK, 1)], fails(1, "PROTOCOL_ERROR")],
  ...lengths(4, 0, [1, 3, 5, 7, 13], fails(1, "FRAME_SIZE_ERROR"))
])

const setting = (
  name: string,
  id: number,
  valid: ReadonlyArray<number>,
  invalid: ReadonlyArray<number>,
  code = "PROTOCOL_ERROR"
): Array<Rule> => [
  ...valid.map((value): Rule => [`${name} = ${value}`, [settings([id, value])], ["SETTINGS ACK"]]),
  ...invalid.map((value): Rule => [`${name} = ${value}`, [wait + settings([id, value])], fails(1, code)])
]

section("RFC 9113 §6.5.2 defined settings", [
  ...setting("HEADER_TABLE_SIZE", 1, [0, 1, 4096, 2 ** 32 - 1], []),
  ...setting("ENABLE_PUSH", 2, [0, 1], [2, 2 ** 32 - 1]),
  ...setting("MAX_CONCURRENT_STREAMS", 3, [0, 1, 2 ** 32 - 1], []),
  ...setting("INITIAL_WINDOW_SIZE", 4, [0, 1, 2 ** 31 - 1], [2 ** 31, 2 ** 32 - 1], "FLOW_CONTROL_ERROR"),
  ...setting("MAX_FRAME_SIZE", 5, [16_384, 2 ** 24 - 1], [0, 16_383, 2 ** 24, 2 ** 32 - 1]),
  ...setting("MAX_HEADER_LIST_SIZE", 6, [0, 1, 2 ** 32 - 1], []),
  ...setting("ENABLE_CONNECT_PROTOCOL", 8, [0, 1], [2]),
  ["a valid one behind an invalid one does not help", [settings([2, 2], [2, 1])], fails(0, "PROTOCOL_ERROR")]
])

section("RFC 9113 §6.5.3 settings are applied before they are acknowledged", [
  [
    "the last of several values",
    [settings([4, 100], [4, 1]), get(1), reset(1)],
    ["SETTINGS ACK", large(5), "DATA 1 h"]
  ],
  [
    "a larger MAX_FRAME_SIZE need not be used",
    [settings([5, 40_000]), get(1, "/large/20000")],
    ["SETTINGS ACK", large(20_000), "DATA 1 16384 bytes", "DATA 1 END 3616 bytes"]
  ],
  ["in the same turn", [settings([4, 2]) + get(1), reset(1)], ["SETTINGS ACK", large(5), "DATA 1 he"]],
  [
    "a table of no size",
    [settings([1, 0]) + get(1) + get(3) + get(5)],
    ["SETTINGS ACK", ...hello(1), ...hello(3), ...hello(5)]
  ],
  [
    "a table that comes and goes",
    [get(1) + get(3) + settings([1, 0]) + settings([1, 4096]) + get(5) + get(7)],
    [...hello(1), ...hello(3), ...ackTwice, ...hello(5), ...hello(7)]
  ],
  [
    "a table of 50 bytes",
    [settings([1, 50]) + get(1) + get(3) + get(5)],
    ["SETTINGS ACK", ...hello(1), ...hello(3), ...hello(5)]
  ]
])

section("RFC 9113 §6.6 PUSH_PROMISE", [
  ["on an idle stream", [frame(5, END_HEADERS, 1, `${uint(32, 2)}${getBlock}`)], fails(0, "PROTOCOL_ERROR")],
  ["on an open stream", [wait + frame(5, END_HEADERS, 1, `${uint(32, 2)}${getBlock}`)], fails(1, "PROTOCOL_ERROR")],
  ["on stream 0, empty", [frame(5, 0, 0)], fails(0, "PROTOCOL_ERROR")]
])

section("RFC 9113 §6.7 PING", [
  ["is answered with the same payload", [ping("h2spec\0\0")], ["PING ACK h2spec\0\0"]],
  [
    "each",
    [ping("12345678") + ping("\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8")],
    ["PING ACK 12345678", "PING ACK \xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8"]
  ],
  [
    "while windows are shut",
    [settings([4, 0]) + get(1) + ping(), reset(1)],
    ["SETTINGS ACK", large(5), "PING ACK pingpong"]
  ],
  ["an answer is not answered", [ping("invalid\0", ACK)], []],
  ["on a stream", [wait + frame(6, 0, 1, "12345678")], fails(1, "PROTOCOL_ERROR")],
  ["an answer on a stream", [frame(6, ACK, 1, "12345678")], fails(0, "PROTOCOL_ERROR")],
  ["an answer of a wrong length", [frame(6, ACK, 0, "1234567")], fails(0, "FRAME_SIZE_ERROR")],
  ...lengths(6, 0, [0, 6, 7, 9, 16], fails(1, "FRAME_SIZE_ERROR"))
])

section("RFC 9113 §6.8 GOAWAY", [
  ["what is open goes on", [post(1) + goAway(), lastData(1, "x")], echoed(1, "x")],
  ["with debug data", [goAway(0, 0, "h2spec")], []],
  ["several", [goAway(2 ** 31 - 1) + goAway(0) + goAway(0, 2)], []],
  ["on a stream", [frame(7, 0, 1, zeros(8))], fails(0, "PROTOCOL_ERROR")],
  ...lengths(7, 0, [0, 4, 7], fails(1, "FRAME_SIZE_ERROR"))
])

const max = 2 ** 31 - 1

section("RFC 9113 §6.9 WINDOW_UPDATE", [
  ["of the connection", [windowUpdate(0, 1)], []],
  ["of a stream", [wait + windowUpdate(1, 1)], []],
  ["the reserved bit is ignored", [wait + windowUpdate(1, 2 ** 31 + 1) + windowUpdate(0, 2 ** 31 + 1)], []],
  ["an increment of 0 for the connection", [wait + windowUpdate(0, 0)], fails(1, "PROTOCOL_ERROR")],
  ["nothing but the reserved bit", [windowUpdate(0, 2 ** 31)], fails(0, "PROTOCOL_ERROR")],
  ["an increment of 0 for a stream", [wait + windowUpdate(1, 0)], [resets(1, "PROTOCOL_ERROR")]],
  ["for a half-closed (local) stream", [post(1, "/"), windowUpdate(1, 0)], [...hello(1), resets(1, "PROTOCOL_ERROR")]],
  ["for an idle stream", [windowUpdate(1, 0)], fails(0, "PROTOCOL_ERROR")],
  ...lengths(8, 0, [0, 3, 5], fails(1, "FRAME_SIZE_ERROR")),
  ...lengths(8, 1, [0, 3, 5], fails(1, "FRAME_SIZE_ERROR"))
])

section("RFC 9113 §6.9.1 the flow-control window", [
  [
    "no more than a window is sent",
    [settings([4, 3]), get(1), windowUpdate(1, 1), windowUpdate(1, 5)],
    ["SETTINGS ACK", large(5), "DATA 1 hel", "DATA 1 l", "DATA 1 END o"]
  ],
  [
    "a stream's window does not help another",
    [settings([4, 0]), get(1) + get(3), windowUpdate(3, 5), reset(1)],
    ["SETTINGS ACK", large(5), "HEADERS 3 :status 200; content-length 5", "DATA 3 END hello"]
  ],
  [
    "an empty response needs no window",
    [settings([4, 0]), get(1, "/empty"), get(3, "/head") + reset(3)],
    ["SETTINGS ACK", "HEADERS 1 END :status 204", "HEADERS 3 :status 200; content-length 41"]
  ],
  ["a window of 2^31-1", [wait + windowUpdate(1, max - 65_535) + windowUpdate(0, max - 65_535)], []],
  ["of the connection, beyond that", [wait + windowUpdate(0, max)], fails(1, "FLOW_CONTROL_ERROR")],
  ["by many", [windowUpdate(0, 2 ** 30) + windowUpdate(0, 2 ** 30)], fails(0, "FLOW_CONTROL_ERROR")],
  ["of a stream", [wait + windowUpdate(1, max - 65_534)], [resets(1, "FLOW_CONTROL_ERROR")]],
  ["of a stream, by many", [wait + windowUpdate(1, max) + windowUpdate(1, max)], [resets(1, "FLOW_CONTROL_ERROR")]],
  [
    "the window of the connection bounds all",
    [settings([4, 100_000]), get(1, "/large/70000"), get(3), windowUpdate(0, 5000)],
    [
      "SETTINGS ACK",
      large(70_000),
      ...firstWindow,
      "HEADERS 3 :status 200; content-length 5",
      "DATA 1 END 4465 bytes",
      "DATA 3 END hello"
    ]
  ]
])

section("RFC 9113 §6.9.2 the initial window", [
  [
    "changes open streams, too",
    [settings([4, 0]), get(1), settings([4, 1]), settings([4, 5])],
    ["SETTINGS ACK", large(5), "SETTINGS ACK", "DATA 1 h", "SETTINGS ACK", "DATA 1 END ello"]
  ],
  [
    "a window may become negative",
    [settings([4, 3]), get(1), settings([4, 2]), windowUpdate(1, 1), windowUpdate(1, 1), reset(1)],
    ["SETTINGS ACK", large(5), "DATA 1 hel", "SETTINGS ACK", "DATA 1 l"]
  ],
  [
    "and positive again",
    [settings([4, 3]), get(1), settings([4, 0]), settings([4, 3]), settings([4, 4]), reset(1)],
    ["SETTINGS ACK", large(5), "DATA 1 hel", "SETTINGS ACK", "SETTINGS ACK", "SETTINGS ACK", "DATA 1 l"]
  ],
  [
    "the window of the connection stays",
    [settings([4, 2 ** 31 - 1]), get(1, "/large/65536"), reset(1)],
    ["SETTINGS ACK", large(65_536), ...firstWindow]
  ],
  [
    "a change that makes a window too large",
    [wait + windowUpdate(1, 1000) + settings([4, max])],
    fails(1, "FLOW_CONTROL_ERROR")
  ],
  [
    "a change that makes it just as large as possible",
    [wait + windowUpdate(1, 1000) + settings([4, max - 1000])],
    ["SETTINGS ACK"]
  ]
])

const begun = headers(1, getBlock.slice(0, 5), END_STREAM)

section("RFC 9113 §6.10 CONTINUATION", [
  ["one", [begun + continuation(1, getBlock.slice(5))], hello(1)],
  ["two", [begun + continuation(1, getBlock.slice(5, 10), 0) + continuation(1, getBlock.slice(10))], hello(1)],
  ["empty ones", [begun + continuation(1, "", 0).repeat(10) + continuation(1, getBlock.slice(5))], hello(1)],
  [
    "one for each byte",
    [
      headers(1, "", END_STREAM) +
        [...getBlock.slice(0, 20)].map((byte) => continuation(1, byte, 0)).join("") +
        continuation(1, getBlock.slice(20))
    ],
    hello(1)
  ],
  [
    "in turns of their own",
    [begun, continuation(1, getBlock.slice(5, 10), 0), continuation(1, getBlock.slice(10))],
    hello(1)
  ],
  [
    "behind HEADERS with padding and priority",
    [
      headers(1, `\x02\0\0\0\0\x10${getBlock.slice(0, 5)}${zeros(2)}`, END_STREAM | PADDED | PRIORITY) +
        continuation(1, getBlock.slice(5))
    ],
    hello(1)
  ],
  ["its padding flag means nothing", [begun + continuation(1, getBlock.slice(5), END_HEADERS | PADDED)], hello(1)],
  [
    "a block that depends on itself is decoded to the end",
    [headers(1, `${uint(32, 1)}\xff`, END_STREAM | PRIORITY) + continuation(1, getBlock)],
    [resets(1, "PROTOCOL_ERROR")]
  ],
  ["trailers", [post(1), headers(1, "", END_STREAM) + continuation(1, block("x-a: b"))], echoed(1, "")],
  [
    "8 kB of fields",
    [
      begun +
        continuation(1, getBlock.slice(5) + block(`x-a: ${"{".repeat(4000)}`), 0) +
        continuation(1, block(`x-b: ${"{".repeat(4000)}`))
    ],
    hello(1)
  ],
  ["on stream 0", [begun + continuation(0, getBlock.slice(5))], fails(0, "PROTOCOL_ERROR")],
  ["behind END_HEADERS", [get(1, "/wait") + continuation(1, getBlock)], fails(1, "PROTOCOL_ERROR")],
  [
    "behind CONTINUATION with END_HEADERS",
    [headers(1, "", END_STREAM) + continuation(1, block(...getFields("/wait"))) + continuation(1, "")],
    fails(1, "PROTOCOL_ERROR")
  ],
  ["behind DATA", [post(1) + data(1, "x") + continuation(1, "")], fails(1, "PROTOCOL_ERROR")],
  ["behind nothing", [continuation(1, getBlock)], fails(0, "PROTOCOL_ERROR")],
  ["DATA in between", [begun + data(1, "x") + continuation(1, "")], fails(0, "PROTOCOL_ERROR")],
  ["too many", [begun + continuation(1, "", 0).repeat(33)], fails(0, "ENHANCE_YOUR_CALM")],
  ["too large", [begun + continuation(1, "x".repeat(16_384), 0).repeat(4)], fails(0, "ENHANCE_YOUR_CALM")]
])

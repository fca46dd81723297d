import { END_HEADERS, END_STREAM } from "../../src/protocol/frame/Flag.ts"
import { echoed, fails, hello, resets, type Rule, section } from "../support/Conformance.ts"
import {
  continuation,
  data,
  frame,
  get,
  getBlock,
  goAway,
  headers,
  lastData,
  ping,
  post,
  priority,
  reset,
  settings,
  trailers,
  uint,
  windowUpdate
} from "../support/WireFrames.ts"

const frames = {
  DATA: data(1, "x"),
  "the last DATA": lastData(1, "x"),
  HEADERS: get(1),
  trailers: trailers(1, "x-a: b"),
  PRIORITY: priority(1),
  RST_STREAM: reset(1),
  WINDOW_UPDATE: windowUpdate(1, 100),
  CONTINUATION: continuation(1, getBlock),
  PUSH_PROMISE: frame(5, END_HEADERS, 1, `\0\0\0\x02${getBlock}`),
  "a frame of unknown type": frame(0x16, 1, 1, "x")
} as const

type FrameName = keyof typeof frames

/** How a stream gets into a state, what that answers, and what each frame does there. */
interface State {
  readonly sends: ReadonlyArray<string>
  readonly answers: ReadonlyArray<string>
  /** In the order of `frames`. */
  readonly outcomes: Readonly<Record<FrameName, ReadonlyArray<string>>>
}

/** What is the same in every state but that of an open header block. */
const always = (lastStreamId: number) => ({
  PRIORITY: [],
  CONTINUATION: fails(lastStreamId, "PROTOCOL_ERROR"),
  PUSH_PROMISE: fails(lastStreamId, "PROTOCOL_ERROR"),
  "a frame of unknown type": []
})

const ignored = { RST_STREAM: [], WINDOW_UPDATE: [] }
const wrong = fails(0, "PROTOCOL_ERROR")
const closedError = fails(1, "STREAM_CLOSED")
const closedReset = [resets(1, "STREAM_CLOSED")]

const everything = (outcome: ReadonlyArray<string>) => ({
  DATA: outcome,
  "the last DATA": outcome,
  HEADERS: outcome,
  trailers: outcome
})

const states: Readonly<Record<string, State>> = {
  idle: {
    sends: [],
    answers: [],
    outcomes: {
      ...always(0),
      ...everything(wrong),
      HEADERS: hello(1),
      trailers: [resets(1, "PROTOCOL_ERROR")],
      RST_STREAM: wrong,
      WINDOW_UPDATE: wrong
    }
  },
  open: {
    sends: [post(1)],
    answers: [],
    outcomes: {
      ...always(1),
      ...ignored,
      DATA: [],
      "the last DATA": echoed(1, "x"),
      HEADERS: [resets(1, "PROTOCOL_ERROR")],
      trailers: echoed(1, "")
    }
  },
  "half-closed (remote)": {
    sends: [get(1, "/wait")],
    answers: [],
    outcomes: { ...always(1), ...ignored, ...everything(closedReset) }
  },
  "half-closed (remote) by DATA": {
    sends: [post(1, "/wait") + lastData(1, "")],
    answers: [],
    outcomes: { ...always(1), ...ignored, ...everything(closedReset) }
  },
  "half-closed (remote) by trailers": {
    sends: [post(1, "/wait") + trailers(1, "x-a: b")],
    answers: [],
    outcomes: { ...always(1), ...ignored, ...everything(closedReset) }
  },
  "half-closed (local)": {
    sends: [post(1, "/")],
    answers: hello(1),
    outcomes: { ...always(1), ...ignored, ...everything([]), HEADERS: [resets(1, "PROTOCOL_ERROR")] }
  },
  "closed by both": {
    sends: [get(1)],
    answers: hello(1),
    outcomes: { ...always(1), ...ignored, ...everything(closedError) }
  },
  "closed by both, the client last": {
    sends: [post(1, "/"), lastData(1, "")],
    answers: hello(1),
    outcomes: { ...always(1), ...ignored, ...everything(closedError) }
  },
  "closed by the client's RST_STREAM": {
    sends: [post(1) + reset(1)],
    answers: [],
    outcomes: { ...always(1), ...ignored, ...everything(closedError) }
  },
  "closed by our RST_STREAM": {
    sends: [post(1) + windowUpdate(1, 0)],
    answers: [resets(1, "PROTOCOL_ERROR")],
    outcomes: { ...always(1), ...ignored, ...everything([]) }
  },
  "closed by our RST_STREAM to a malformed request": {
    sends: [headers(1, "", END_HEADERS)],
    answers: [resets(1, "PROTOCOL_ERROR")],
    outcomes: { ...always(1), ...ignored, ...everything([]) }
  },
  "closed by the use of a higher number": {
    sends: [get(5)],
    answers: hello(5),
    outcomes: { ...always(5), ...ignored, ...everything(fails(5, "PROTOCOL_ERROR")) }
  }
}

for (const [name, { answers, outcomes, sends }] of Object.entries(states)) {
  const rules: Array<Rule> = []
  for (const [type, outcome] of Object.entries(outcomes)) {
    // The keys are those of the record.
    const bytes = frames[type as FrameName]
    rules.push([type, [...sends, bytes], [...answers, ...outcome]])
    // It makes no difference whether they come together, except that no answer may have been possible before an error.
    if (!name.includes("closed by both"))
      rules.push([`${type} in one piece`, [sends.join("") + bytes], [...answers, ...outcome]])
  }
  section(`RFC 9113 §5.1 ${name}`, rules)
}

section("RFC 9113 §5.1 frames that follow each other", [
  ["HEADERS behind END_STREAM", [get(1, "/wait") + get(1, "/wait")], closedReset],
  [
    "what follows a stream error is ignored",
    [get(1, "/wait") + data(1, "x") + data(1, "x") + get(1) + reset(1) + windowUpdate(1, 1)],
    closedReset
  ],
  [
    "RST_STREAM is not answered by RST_STREAM",
    [post(1) + windowUpdate(1, 0) + reset(1) + reset(1)],
    [resets(1, "PROTOCOL_ERROR")]
  ],
  [
    "the client's resets are errors for what follows, also when ours came first",
    [post(1) + reset(1) + data(1, "x")],
    closedError
  ],
  [
    "WINDOW_UPDATE behind END_STREAM of both",
    [get(1), windowUpdate(1, 2 ** 31 - 1) + windowUpdate(1, 2 ** 31 - 1)],
    hello(1)
  ],
  ["content behind a complete response is taken", [post(1, "/"), data(1, "x"), lastData(1, "y")], hello(1)],
  ["PRIORITY opens nothing", [priority(1) + priority(3) + get(1) + get(3)], [...hello(1), ...hello(3)]]
])

const pushable = (streamId: number) => ({
  DATA: data(streamId, "x"),
  HEADERS: get(streamId),
  RST_STREAM: reset(streamId),
  WINDOW_UPDATE: windowUpdate(streamId, 1)
})

section("RFC 9113 §5.1.1 stream identifiers", [
  ["numbers may be left out", [get(3) + get(7) + get(101)], [...hello(3), ...hello(7), ...hello(101)]],
  ["a smaller one than before", [get(5), get(3)], [...hello(5), ...fails(5, "PROTOCOL_ERROR")]],
  ["a smaller one while the larger is open", [get(5, "/wait"), get(3)], fails(5, "PROTOCOL_ERROR")],
  [
    "a smaller one, in a section of two frames",
    [get(5, "/wait"), headers(3, getBlock, END_STREAM) + continuation(3, "")],
    fails(5, "PROTOCOL_ERROR")
  ],
  [
    "one below the first, whose request was malformed",
    [headers(5, ""), get(3)],
    [resets(5, "PROTOCOL_ERROR"), ...fails(5, "PROTOCOL_ERROR")]
  ],
  // Streams with even numbers are the server's, and idle for ever since nothing is pushed.
  ...Object.entries(pushable(2)).map(([name, bytes]): Rule => [
    `${name} on an even number`,
    [bytes],
    fails(0, "PROTOCOL_ERROR")
  ]),
  ...Object.entries(pushable(2)).map(([name, bytes]): Rule => [
    `${name} on an even number below an open one`,
    [get(5, "/wait"), bytes],
    fails(5, "PROTOCOL_ERROR")
  ]),
  ["PRIORITY on an even number", [priority(2)], []],
  ["the connection itself is no stream to request on", [headers(0, getBlock)], fails(0, "PROTOCOL_ERROR")]
])

section("RFC 9113 §5.1.1 the last identifier", [
  [
    "2^31-1 is a number like any other",
    [get(2 ** 31 - 1) + ping() + data(2 ** 31 - 2, "")],
    [...hello(2 ** 31 - 1), "PING ACK pingpong", ...fails(2 ** 31 - 1, "PROTOCOL_ERROR")]
  ]
])

const two = { options: { h2MaxConcurrentStreams: 2 } }
const full = get(1, "/wait") + post(3, "/wait")

section("RFC 9113 §5.1.2 stream concurrency", [
  ["a stream too many is refused, the others go on", [full + get(5), reset(1)], [resets(5, "REFUSED_STREAM")], two],
  [
    "half-closed (local) streams count",
    [post(1, "/") + post(3, "/"), get(5), lastData(1, "")],
    [...hello(1), ...hello(3), resets(5, "REFUSED_STREAM")],
    two
  ],
  ["closed ones do not", [get(1), get(3), get(5)], [...hello(1), ...hello(3), ...hello(5)], two],
  ["reset ones do not", [full + reset(1) + reset(3) + get(5)], hello(5), two],
  [
    "what follows on a refused stream is ignored",
    [full + post(5) + data(5, "abc") + trailers(5, "x-a: b") + reset(1)],
    [resets(5, "REFUSED_STREAM")],
    two
  ],
  ["a refused number cannot be used again", [full + get(5) + get(5) + reset(1)], [resets(5, "REFUSED_STREAM")], two],
  [
    "the last stream of GOAWAY may be a refused one",
    [full + get(5) + windowUpdate(0, 0)],
    [resets(5, "REFUSED_STREAM"), ...fails(5, "PROTOCOL_ERROR")],
    two
  ]
])

const k16 = "x".repeat(16_384)
const stall = post(1, "/stall")

section("RFC 9113 §5.2 flow control of what the client sends", [
  ["content of exactly a window", [stall + data(1, k16).repeat(3) + data(1, k16.slice(1))], []],
  ["one byte more", [stall + data(1, k16).repeat(3) + data(1, k16)], [resets(1, "FLOW_CONTROL_ERROR")]],
  [
    "one byte more in a frame of its own",
    [stall + data(1, k16).repeat(3) + data(1, k16.slice(1)) + data(1, "x")],
    [resets(1, "FLOW_CONTROL_ERROR")]
  ],
  [
    "padding counts",
    [stall + data(1, k16).repeat(3) + data(1, k16.slice(11)) + frame(0, 8, 1, `${uint(8, 9)}${"\0".repeat(9)}`)],
    []
  ],
  [
    "so does the length of the padding",
    [stall + data(1, k16).repeat(3) + data(1, k16.slice(11)) + frame(0, 8, 1, `${uint(8, 9)}x${"\0".repeat(9)}`)],
    [resets(1, "FLOW_CONTROL_ERROR")]
  ],
  ["empty DATA fits into no window", [stall + data(1, k16).repeat(3) + data(1, k16.slice(1)) + lastData(1, "")], []],
  [
    "header sections are not counted",
    [stall + data(1, k16).repeat(3) + data(1, k16.slice(1)) + trailers(1, "x-a: b")],
    []
  ],
  [
    "what is taken is given back when it is half a window",
    [post(1, "/wait"), data(1, k16), data(1, k16.slice(1)), data(1, "x")],
    ["WINDOW_UPDATE 1 32768"]
  ],
  [
    "nothing is given back to a stream that has ended",
    [post(1, "/wait"), data(1, k16) + data(1, k16.slice(1)) + lastData(1, "x")],
    []
  ],
  [
    "a window that h2InitialWindowSize makes smaller",
    [post(1, "/stall") + data(1, "x".repeat(1001))],
    [resets(1, "FLOW_CONTROL_ERROR")],
    { options: { h2InitialWindowSize: 1000 } }
  ]
])

const connectionWindow = [...Array(16).keys()]
  .map((at) => post(2 * at + 1, "/stall") + data(2 * at + 1, k16).repeat(3) + data(2 * at + 1, k16.slice(1)))
  .join("")

section("RFC 9113 §5.2 the window of the connection", [
  ["all of it may be used", [connectionWindow], []],
  ["nothing beyond it", [connectionWindow + post(33, "/stall") + data(33, "x")], fails(33, "FLOW_CONTROL_ERROR")],
  [
    "also not on a stream that is ignored",
    [connectionWindow + post(33, "/stall") + windowUpdate(33, 0) + data(33, "x")],
    [resets(33, "PROTOCOL_ERROR"), ...fails(33, "FLOW_CONTROL_ERROR")]
  ],
  [
    "what is ignored is given back",
    [post(1) + windowUpdate(1, 0) + data(1, k16).repeat(33)],
    [resets(1, "PROTOCOL_ERROR"), "WINDOW_UPDATE 0 524288"]
  ],
  [
    "what a reset application has not taken is given back",
    [connectionWindow, [...Array(16).keys()].map((at) => reset(2 * at + 1)).join("")],
    ["WINDOW_UPDATE 0 524280", "WINDOW_UPDATE 0 524280"]
  ],
  [
    "what exceeds the window of a stream, too",
    [...Array(10).keys()].map((at) => post(2 * at + 1, "/stall") + data(2 * at + 1, k16).repeat(4)),
    [
      ...[...Array(8).keys()].map((at) => resets(2 * at + 1, "FLOW_CONTROL_ERROR")),
      "WINDOW_UPDATE 0 524288",
      resets(17, "FLOW_CONTROL_ERROR"),
      resets(19, "FLOW_CONTROL_ERROR")
    ]
  ]
])

section("RFC 9113 §5.4.1 connection errors", [
  [
    "GOAWAY names the stream that was opened last",
    [get(1) + get(7, "/wait") + windowUpdate(0, 0)],
    [...hello(1), ...fails(7, "PROTOCOL_ERROR")]
  ],
  ["nothing of what follows is served", [windowUpdate(0, 0) + get(1) + ping()], fails(0, "PROTOCOL_ERROR")],
  [
    "responses that have begun break off",
    [get(1, "/begin"), windowUpdate(0, 0)],
    ["HEADERS 1 :status 200", "DATA 1 begun", ...fails(1, "PROTOCOL_ERROR")]
  ],
  ["a frame without a stream that is on one", [frame(6, 0, 3, "12345678")], fails(0, "PROTOCOL_ERROR")]
])

section("RFC 9113 §5.4.2 stream errors", [
  [
    "leave other streams alone",
    [post(1) + post(3) + windowUpdate(1, 0) + data(3, "x") + lastData(3, "y")],
    [resets(1, "PROTOCOL_ERROR"), ...echoed(3, "xy")]
  ],
  [
    "end a response that has begun",
    [get(1, "/begin"), windowUpdate(1, 0)],
    ["HEADERS 1 :status 200", "DATA 1 begun", resets(1, "PROTOCOL_ERROR")]
  ]
])

section("RFC 9113 §5.5 extensions", [
  [
    "unknown frames on a stream in any state",
    [frame(0xf0, 1, 1, "") + post(1) + frame(0xf0, 1, 1, "x") + lastData(1, "") + frame(0xf0, 1, 1, "y")],
    echoed(1, "")
  ],
  ["unknown settings", [settings([0xff, 1], [0, 0], [7, 2 ** 32 - 1], [0xffff, 5])], ["SETTINGS ACK"]],
  ["unknown error codes", [post(1) + reset(1, 0xff) + goAway(0, 0xfedc)], []]
])

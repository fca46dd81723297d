import { ACK, END_HEADERS, END_STREAM } from "../../src/protocol/frame/Flag.ts"
import { fails, hello, resets, section, echoed } from "../support/Conformance.ts"
import {
  continuation,
  data,
  frame,
  get,
  getBlock,
  headers,
  lastData,
  ping,
  post,
  priority,
  reset,
  settings,
  trailers,
  windowUpdate
} from "../support/WireFrames.ts"

const full = "x".repeat(16_384)

section("RFC 9113 §4.1 frame format", [
  ["a frame of unknown type is ignored", [frame(0x16, 0, 0, "12345678")], []],
  [
    "of every unknown type, with every flag, on any stream",
    [...Array(246).keys()].map((at) => frame(10 + at, at, at, "x")),
    []
  ],
  ["undefined flags are ignored: PING", [frame(6, 0x16, 0, "12345678")], ["PING ACK 12345678"]],
  ["SETTINGS", [frame(4, 0xfe, 0)], ["SETTINGS ACK"]],
  ["RST_STREAM", [get(1, "/wait"), frame(3, 0xff, 1, "\0\0\0\x08")], []],
  ["WINDOW_UPDATE", [frame(8, 0xff, 0, "\0\0\0\x08")], []],
  ["GOAWAY", [frame(7, 0xff, 0, "\0\0\0\0\0\0\0\0")], []],
  ["PRIORITY", [frame(2, 0xff, 1, "\0\0\0\0\0")], []],
  ["HEADERS", [headers(1, getBlock, END_HEADERS | END_STREAM | 0xd2)], hello(1)],
  ["DATA", [post(1), data(1, "abc", END_STREAM | 0xf6)], echoed(1, "abc")],
  ["CONTINUATION", [headers(1, getBlock.slice(0, 9), END_STREAM) + continuation(1, getBlock.slice(9), 0xff)], hello(1)],
  ["the reserved bit of a stream identifier is ignored", [frame(6, 0, 2 ** 31, "12345678")], ["PING ACK 12345678"]],
  ["also of a request", [frame(1, END_HEADERS | END_STREAM, 2 ** 31 + 1, getBlock)], hello(1)]
])

section("RFC 9113 §4.2 frame size", [
  ["DATA of SETTINGS_MAX_FRAME_SIZE", [post(1, "/"), lastData(1, full)], hello(1)],
  ["DATA beyond it", [post(1, "/wait"), data(1, `${full}x`)], fails(1, "FRAME_SIZE_ERROR")],
  [
    "DATA beyond it, of which only the header has come",
    [post(1, "/wait"), frame(0, 0, 1, "", 2 ** 24 - 1)],
    fails(1, "FRAME_SIZE_ERROR")
  ],
  ["HEADERS beyond it", [frame(1, END_HEADERS, 1, `${full}x`)], fails(0, "FRAME_SIZE_ERROR")],
  [
    "CONTINUATION beyond it",
    [headers(1, getBlock, END_STREAM) + continuation(1, `${full}x`)],
    fails(0, "FRAME_SIZE_ERROR")
  ],
  ["SETTINGS beyond it", [frame(4, 0, 0, `${full}xx`)], fails(0, "FRAME_SIZE_ERROR")],
  ["GOAWAY beyond it", [frame(7, 0, 0, `${full}x`)], fails(0, "FRAME_SIZE_ERROR")],
  ["a frame of unknown type beyond it", [frame(0x20, 0, 0, `${full}x`)], fails(0, "FRAME_SIZE_ERROR")],
  ["a frame of unknown type of that size", [frame(0x20, 0, 0, full)], []],
  ["GOAWAY of that size", [frame(7, 0, 0, full)], []],
  ["SETTINGS of nearly that size", [frame(4, 0, 0, "\x00\xffabcd".repeat(2730))], ["SETTINGS ACK"]],
  [
    "our own limit counts, not what the peer allows us",
    [settings([5, 2 ** 24 - 1]), post(1, "/wait"), data(1, `${full}x`)],
    ["SETTINGS ACK", ...fails(1, "FRAME_SIZE_ERROR")]
  ],
  [
    "a larger limit of ours",
    [post(1, "/"), lastData(1, `${full}x`)],
    hello(1),
    { options: { h2MaxFrameSize: 20_000 } }
  ],
  ["empty DATA", [post(1), data(1, ""), lastData(1, "")], echoed(1, "")]
])

const open = headers(1, getBlock, END_STREAM)

section("RFC 9113 §4.3 field blocks", [
  ["a block that breaks off", [headers(1, "\x40")], fails(0, "COMPRESSION_ERROR")],
  ["behind a good request", [get(1), headers(3, "\x40")], [...hello(1), ...fails(1, "COMPRESSION_ERROR")]],
  ["in trailers", [post(1), headers(1, "\x40")], fails(1, "COMPRESSION_ERROR")],
  ["in CONTINUATION", [open + continuation(1, "\x40")], fails(0, "COMPRESSION_ERROR")],
  [
    "on a stream that was reset",
    [post(1) + windowUpdate(1, 0) + headers(1, "\x40")],
    [resets(1, "PROTOCOL_ERROR"), ...fails(1, "COMPRESSION_ERROR")]
  ],
  [
    "on a stream that is refused",
    [post(1, "/wait") + headers(3, "\x40")],
    fails(1, "COMPRESSION_ERROR"),
    { options: { h2MaxConcurrentStreams: 1 } }
  ],
  ...(
    [
      ["PRIORITY", priority(1)],
      ["PRIORITY of another stream", priority(3)],
      ["HEADERS of another stream", get(3)],
      ["HEADERS of the same stream", get(1)],
      ["CONTINUATION of another stream", continuation(3, "")],
      ["DATA", data(1, "x")],
      ["RST_STREAM", reset(1)],
      ["SETTINGS", settings()],
      ["an acknowledgement of settings", frame(4, ACK, 0)],
      ["PING", ping()],
      ["GOAWAY", frame(7, 0, 0, "\0\0\0\0\0\0\0\0")],
      ["WINDOW_UPDATE", windowUpdate(0, 1)],
      ["PUSH_PROMISE", frame(5, END_HEADERS, 1, `\0\0\0\x02${getBlock}`)],
      ["a frame of unknown type", frame(0x16, 0, 0, "12345678")]
    ] as const
  ).map(
    ([name, bytes]) =>
      [`${name} within a block`, [open + bytes + continuation(1, "")], fails(0, "PROTOCOL_ERROR")] as const
  ),
  [
    "a block that is interrupted in trailers",
    [post(1), headers(1, "", END_STREAM) + ping()],
    fails(1, "PROTOCOL_ERROR")
  ],
  // A field that is added to the table by a block that is not served is there for later ones.
  [
    "a refused request keeps the table true",
    [
      post(1, "/wait") +
        headers(3, `${getBlock}\x40\x01a\x01b`) +
        reset(1) +
        headers(5, `${getBlock.replace("\x01/", "\x05/head")}\xbe`)
    ],
    [resets(3, "REFUSED_STREAM"), ...echoed(5, `["GET","/head","",[["host","a.example"],["a","b"]]]`)],
    { options: { h2MaxConcurrentStreams: 1 } }
  ],
  [
    "so does a malformed one",
    [headers(1, `${getBlock}\x40\x01a\x01b\x40\x01A\x01b`) + headers(3, `${getBlock}\xbf`)],
    [resets(1, "PROTOCOL_ERROR"), ...hello(3)]
  ],
  [
    "so do ignored trailers",
    [post(1) + windowUpdate(1, 0) + headers(1, "\x40\x01a\x01b") + headers(3, `${getBlock}\xbe`)],
    [resets(1, "PROTOCOL_ERROR"), ...hello(3)]
  ],
  ["trailers of the same block", [post(1) + trailers(1, "x-a: b")], echoed(1, "")]
])

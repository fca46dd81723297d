import { block, get, getBlock, getFields, headers, literal, settings } from "../support/WireFrames.ts"
import { echoed, fails, hello, resets, type Rule, section } from "../support/Conformance.ts"

const added = (bytes: string): string => headers(1, getBlock + bytes)
const served = (title: string, bytes: string): Rule => [title, [added(bytes)], hello(1)]
const broken = (title: string, bytes: string): Rule => [title, [added(bytes)], fails(0, "COMPRESSION_ERROR")]

const userAgent = "\x0auser-agent"
const plain = `${userAgent}\x06h2spec`
const huffman = literal("user-agent: h2spec").slice(1)
const headBlock = block(...getFields("/head"))

section("RFC 7541 §6 representations", [
  served("an indexed field of the static table", "\xba"),
  served("with incremental indexing", `\x40${plain}`),
  served("with incremental indexing and Huffman code", `\x40${huffman}`),
  served("with incremental indexing and an indexed name", "\x7a\x06h2spec"),
  served("without indexing", `\x00${plain}`),
  served("without indexing, with Huffman code", `\x00${huffman}`),
  served("without indexing, with an indexed name", "\x0f\x2b\x06h2spec"),
  served("never indexed", `\x10${plain}`),
  served("never indexed, with Huffman code", `\x10${huffman}`),
  served("never indexed, with an indexed name", "\x1f\x2b\x06h2spec"),
  served("an empty value", "\x7a\x00"),
  ["a size update", [headers(1, `\x3f\x61${getBlock}`)], hello(1)],
  ["two size updates", [headers(1, `\x3f\x61\x3f\xe1\x1f${getBlock}`)], hello(1)],
  ["a table of no size", [headers(1, `\x20${getBlock}`)], hello(1)],
  [
    "the dynamic table is that of the connection",
    [headers(1, `${getBlock}\x40\x01a\x01b`) + headers(3, `${headBlock}\xbe`)],
    [...hello(1), ...echoed(3, `["GET","/head","",[["host","a.example"],["a","b"]]]`)]
  ],
  [
    "a size update empties it",
    [headers(1, `${getBlock}\x40\x01a\x01b`), headers(3, `\x20${getBlock}\xbe`)],
    [...hello(1), ...fails(1, "COMPRESSION_ERROR")]
  ],
  [
    "the client's own table size means nothing for what it sends",
    [settings([1, 0]), headers(1, `${getBlock}\x40\x01a\x01b`) + headers(3, `${getBlock}\xbe`)],
    ["SETTINGS ACK", ...hello(1), ...hello(3)]
  ]
])

section("RFC 7541 errors", [
  broken("§2.3.3 an index beyond both tables", "\xc6"),
  broken("§2.3.3 an indexed name beyond both tables", "\x7f\x07\x00"),
  broken("§6.1 index 0", "\x80"),
  broken("§4.2 a size update at the end", "\x21"),
  broken("§4.2 a size update between fields", `\x21${literal("x-a: b")}`),
  [
    "§6.3 a size update beyond SETTINGS_HEADER_TABLE_SIZE",
    [headers(1, `\x3f\xe2\x1f${getBlock}`)],
    fails(0, "COMPRESSION_ERROR")
  ],
  broken("§5.1 an integer that does not end", `\x7f${"\xff".repeat(20)}`),
  broken("§5.1 an integer of too many octets", `\x7f${"\x80".repeat(20)}\x00\x00`),
  broken("§5.1 an integer that breaks off", "\x7f"),
  broken("§5.2 padding of more than 7 bits", "\x00\x04test\x84\x49\x50\x9f\xff"),
  broken("§5.2 padding by zeros", "\x00\x04test\x83\x49\x50\x90"),
  broken("§5.2 EOS", "\x00\x04test\x88\x49\x42\x4f\xff\xff\xff\xd2\x7f"),
  broken("§5.2 a string that breaks off", "\x00\x04tes"),
  broken("§5.2 a length beyond everything", "\x00\x7f\xff\xff\xff\xff\x07"),
  broken("a literal without a value", "\x00\x01a"),
  [
    "a valid block after a stream error",
    [headers(1, `${getBlock}\x40\x01A\x01b`) + get(3)],
    [resets(1, "PROTOCOL_ERROR"), ...hello(3)]
  ]
])

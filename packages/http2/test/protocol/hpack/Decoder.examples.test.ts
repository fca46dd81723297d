import { assert, describe, it } from "@effect/vitest"
import { Decoder } from "../../../src/protocol/hpack/Decoder.ts"
import { decodeBlock, digits, type Pair, sizeOf, tableOf } from "./Blocks.ts"

const pair = (field: string): Pair => {
  const colon = field.indexOf(": ")
  return [field.slice(0, colon), field.slice(colon + 2)]
}

interface Example {
  readonly name: string
  readonly blocks: ReadonlyArray<string>
  readonly fields: ReadonlyArray<string>
  /** The newest first. */
  readonly table: ReadonlyArray<string>
  readonly size: number
}

const check = (decoder: Decoder, block: string, { name, fields, table, size }: Example): void => {
  assert.deepStrictEqual(decodeBlock(decoder, digits(block)), fields.map(pair), name)
  assert.deepStrictEqual(tableOf(decoder), table.map(pair), name)
  assert.strictEqual(sizeOf(tableOf(decoder)), size, name)
}

/** Sections whose blocks belong to one connection; the second form is the one with the Huffman code. */
const checkAll = (examples: ReadonlyArray<Example>, form: number, prepare?: string): void => {
  const decoder = new Decoder(4096)
  if (prepare !== undefined) assert.deepStrictEqual(decodeBlock(decoder, digits(prepare)), [])
  for (const example of examples) check(decoder, example.blocks[form] ?? "", example)
}

describe("RFC 7541 appendix C.2: representations", () => {
  it.each<Example>([
    {
      name: "C.2.1: literal field with indexing",
      blocks: ["400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572"],
      fields: ["custom-key: custom-header"],
      table: ["custom-key: custom-header"],
      size: 55
    },
    {
      name: "C.2.2: literal field without indexing",
      blocks: ["040c 2f73 616d 706c 652f 7061 7468"],
      fields: [":path: /sample/path"],
      table: [],
      size: 0
    },
    {
      name: "C.2.3: literal field never indexed",
      blocks: ["1008 7061 7373 776f 7264 0673 6563 7265 74"],
      fields: ["password: secret"],
      table: [],
      size: 0
    },
    { name: "C.2.4: indexed field", blocks: ["82"], fields: [":method: GET"], table: [], size: 0 }
  ])("$name", (example) => checkAll([example], 0))
})

const requests: ReadonlyArray<Example> = [
  {
    name: "first request",
    blocks: ["8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d", "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff"],
    fields: [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"],
    table: [":authority: www.example.com"],
    size: 57
  },
  {
    name: "second request",
    blocks: ["8286 84be 5808 6e6f 2d63 6163 6865", "8286 84be 5886 a8eb 1064 9cbf"],
    fields: [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com", "cache-control: no-cache"],
    table: ["cache-control: no-cache", ":authority: www.example.com"],
    size: 110
  },
  {
    name: "third request",
    blocks: [
      "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
      "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf"
    ],
    fields: [
      ":method: GET",
      ":scheme: https",
      ":path: /index.html",
      ":authority: www.example.com",
      "custom-key: custom-value"
    ],
    table: ["custom-key: custom-value", "cache-control: no-cache", ":authority: www.example.com"],
    size: 164
  }
]

describe("RFC 7541 appendices C.3 and C.4: requests", () => {
  it("C.3: without the Huffman code", () => checkAll(requests, 0))
  it("C.4: with it", () => checkAll(requests, 1))
})

const first = "date: Mon, 21 Oct 2013 20:13:21 GMT"
const second = "date: Mon, 21 Oct 2013 20:13:22 GMT"
const location = "location: https://www.example.com"
const cookie = "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"

const responses: ReadonlyArray<Example> = [
  {
    name: "first response",
    blocks: [
      "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133" +
        "2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
      "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6" +
        "2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3"
    ],
    fields: [":status: 302", "cache-control: private", first, location],
    table: [location, first, "cache-control: private", ":status: 302"],
    size: 222
  },
  {
    name: "second response",
    blocks: ["4803 3330 37c1 c0bf", "4883 640e ffc1 c0bf"],
    fields: [":status: 307", "cache-control: private", first, location],
    table: [":status: 307", location, first, "cache-control: private"],
    size: 222
  },
  {
    name: "third response",
    blocks: [
      "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d" +
        "54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049" +
        "5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31",
      "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab" +
        "77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f" +
        "9587 3160 65c0 03ed 4ee5 b106 3d50 07"
    ],
    fields: [":status: 200", "cache-control: private", second, location, "content-encoding: gzip", cookie],
    table: [cookie, "content-encoding: gzip", second],
    size: 215
  }
]

/** The examples have a table of 256 bytes. */
const size256 = "3fe1 01"

describe("RFC 7541 appendices C.5 and C.6: responses", () => {
  it("C.5: without the Huffman code", () => checkAll(responses, 0, size256))
  it("C.6: with it", () => checkAll(responses, 1, size256))
})

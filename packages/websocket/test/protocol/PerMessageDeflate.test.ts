import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import { parseExtensions } from "../../src/protocol/ExtensionList.ts"
import { type DeflateParameters, negotiate } from "../../src/protocol/PerMessageDeflate.ts"
import { bytes, oneOf } from "../support/Generators.ts"

const defaults: DeflateParameters = {
  serverNoContextTakeover: false,
  clientNoContextTakeover: false,
  serverMaxWindowBits: 15,
  clientMaxWindowBits: 15
}

const accepts = (offers: string, field: string, parameters: Partial<DeflateParameters> = {}): void => {
  assert.deepStrictEqual(negotiate(offers), { field, parameters: { ...defaults, ...parameters } }, offers)
}

const declines = (...offers: ReadonlyArray<string>): void => {
  for (const offer of offers) assert.isUndefined(negotiate(offer), offer)
}

describe("RFC 7692 §7.1: permessage-deflate", () => {
  it("without parameters", () => {
    accepts("permessage-deflate", "permessage-deflate")
  })

  it("what a browser offers: a client window that is ours to choose is left at its size", () => {
    accepts("permessage-deflate; client_max_window_bits", "permessage-deflate")
  })

  it("§7.1.1.1: server_no_context_takeover has to be kept and repeated", () => {
    accepts("permessage-deflate; server_no_context_takeover", "permessage-deflate; server_no_context_takeover", {
      serverNoContextTakeover: true
    })
  })

  it("§7.1.1.2: client_no_context_takeover is taken at its word", () => {
    accepts("permessage-deflate; client_no_context_takeover", "permessage-deflate; client_no_context_takeover", {
      clientNoContextTakeover: true
    })
  })

  it("§7.1.2.1: server_max_window_bits has to be kept and repeated", () => {
    for (let bits = 9; bits <= 15; bits++) {
      accepts(
        `permessage-deflate; server_max_window_bits=${bits}`,
        `permessage-deflate; server_max_window_bits=${bits}`,
        { serverMaxWindowBits: bits }
      )
    }
  })

  it("§7.1.2.2: client_max_window_bits is answered when the offer has it", () => {
    for (let bits = 8; bits <= 15; bits++) {
      accepts(
        `permessage-deflate; client_max_window_bits=${bits}`,
        `permessage-deflate; client_max_window_bits=${bits}`,
        { clientMaxWindowBits: bits }
      )
    }
  })

  it("a server window of 8 bits is declined, because zlib cannot make it", () => {
    declines("permessage-deflate; server_max_window_bits=8")
    accepts("permessage-deflate; server_max_window_bits=8, permessage-deflate", "permessage-deflate")
  })

  it("all parameters at once, in any order, quoted or not", () => {
    accepts(
      'permessage-deflate; client_max_window_bits="10"; server_max_window_bits=12; client_no_context_takeover; server_no_context_takeover',
      "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=12; client_max_window_bits=10",
      {
        serverNoContextTakeover: true,
        clientNoContextTakeover: true,
        serverMaxWindowBits: 12,
        clientMaxWindowBits: 10
      }
    )
  })
})

describe("RFC 7692 §7.1: offers that are declined", () => {
  it("an unknown parameter", () => {
    declines(
      "permessage-deflate; foo",
      "permessage-deflate; foo=1",
      "permessage-deflate; Server_no_context_takeover",
      "permessage-deflate; server_max_window_bits=10; x"
    )
  })

  it("a parameter twice, equal or not", () => {
    declines(
      "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
      "permessage-deflate; client_max_window_bits; client_max_window_bits=10",
      "permessage-deflate; server_max_window_bits=10; server_max_window_bits=10"
    )
  })

  it("a value that is missing, wrong, or where none belongs", () => {
    declines("permessage-deflate; server_max_window_bits", "permessage-deflate; server_no_context_takeover=1")
    declines(
      "permessage-deflate; client_no_context_takeover=true",
      'permessage-deflate; server_no_context_takeover="1"'
    )
    for (const value of ["0", "7", "16", "08", "010", "8.0", "1e1", "-9", "+9", "0x9", "a", "15a", "99", "1"]) {
      declines(
        `permessage-deflate; server_max_window_bits=${value}`,
        `permessage-deflate; client_max_window_bits=${value}`
      )
    }
  })

  it("other extensions", () => {
    declines(
      "",
      "x-webkit-deflate-frame",
      "permessage-bzip2, deflate-stream",
      "Permessage-Deflate",
      "permessage-deflate2"
    )
  })

  it("a field that is malformed anywhere is as good as none", () => {
    declines(
      "permessage-deflate, ;",
      "permessage-deflate;",
      "permessage-deflate; server_max_window_bits=",
      "a b, permessage-deflate"
    )
  })
})

describe("RFC 7692 §5.1: several offers", () => {
  it("the first that can be kept is taken", () => {
    accepts(
      "permessage-deflate; server_max_window_bits=10, permessage-deflate",
      "permessage-deflate; server_max_window_bits=10",
      { serverMaxWindowBits: 10 }
    )
    accepts("foo; a=b, permessage-deflate; unknown, permessage-deflate; client_max_window_bits", "permessage-deflate")
    accepts(
      "permessage-deflate; server_max_window_bits=77,,permessage-deflate; client_no_context_takeover",
      "permessage-deflate; client_no_context_takeover",
      { clientNoContextTakeover: true }
    )
  })
})

const parameter = oneOf(
  "server_no_context_takeover",
  "client_no_context_takeover",
  "server_max_window_bits=8",
  "server_max_window_bits=11",
  'server_max_window_bits="15"',
  "server_max_window_bits",
  "client_max_window_bits",
  "client_max_window_bits=8",
  "client_max_window_bits=15",
  "foo"
)

const anyOffer = Arbitrary.array(parameter, { maxLength: 4 }).pipe(
  Arbitrary.map((parameters) => ["permessage-deflate", ...parameters].join("; "))
)

describe("negotiation properties", () => {
  it.prop(
    "an answer is one extension, keeps what was asked for, and offers nothing that was not",
    [Arbitrary.array(anyOffer, { maxLength: 4 })],
    ([offers]) => {
      const agreement = negotiate(offers.join(", "))
      if (agreement === undefined) return
      const answers = parseExtensions(agreement.field)
      assert.strictEqual(answers?.length, 1)
      const answered = new Map(answers?.[0]?.parameters)
      const { parameters } = agreement
      assert.strictEqual(answered.has("server_no_context_takeover"), parameters.serverNoContextTakeover)
      assert.strictEqual(answered.has("client_no_context_takeover"), parameters.clientNoContextTakeover)
      assert.strictEqual(Number(answered.get("server_max_window_bits") ?? 15), parameters.serverMaxWindowBits)
      assert.strictEqual(Number(answered.get("client_max_window_bits") ?? 15), parameters.clientMaxWindowBits)
      const isAnswerTo = (offer: string): boolean => {
        const asked = new Map(parseExtensions(offer)?.[0]?.parameters)
        return [...answered.keys()].every((name) => asked.has(name)) && asked.size >= answered.size
      }
      assert.isTrue(offers.some(isAnswerTo))
      assert.deepStrictEqual(negotiate(agreement.field)?.parameters, parameters)
    },
    { arbitrary: { runs: 3000, size: 30 }, timeout: 20_000 }
  )

  it.prop("random bytes do not throw", [bytes(30)], ([text]) => {
    negotiate(text)
    negotiate(`permessage-deflate; ${text}`)
  })
})

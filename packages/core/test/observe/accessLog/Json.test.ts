import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import type { ExchangeRecord } from "../../../src/observe/Observer.ts"
import { makeJson } from "../../../src/observe/accessLog/Json.ts"
import { record, request, withoutRequest } from "./Record.ts"

const write = (changes: Partial<ExchangeRecord> = {}): string => makeJson()({ ...record, ...changes })

const parse = (line: string): Readonly<Record<string, unknown>> => JSON.parse(line)

describe("the json format", () => {
  it("writes everything that is known", () => {
    assert.strictEqual(
      write(),
      `{"time":"2026-11-22T08:00:05.999Z","client":"192.0.2.7","method":"GET","target":"/a?b=c","protocol":"HTTP/1.1",` +
        `"status":200,"bytes":1234,"duration":12345.679,"firstByte":10.500,"referer":"http://a/",` +
        `"userAgent":"curl/8.0","outcome":"complete","requestId":"k3v9x2-1",` +
        `"traceId":"0af7651916cd43dd8448eb211c80319c"}\n`
    )
  })

  it("has the same fields without a request", () => {
    const fields = parse(write(withoutRequest))
    assert.deepStrictEqual(Object.keys(fields), Object.keys(parse(write())))
    assert.deepStrictEqual(fields, {
      time: "2026-11-22T08:00:05.999Z",
      client: "192.0.2.7",
      method: null,
      target: null,
      protocol: null,
      status: 400,
      bytes: 0,
      duration: 0,
      firstByte: 0,
      referer: null,
      userAgent: null,
      outcome: "protocol_error",
      requestId: null,
      traceId: null
    })
  })

  it("writes null for a response that never began, and names the peer of a Unix socket", () => {
    const { client, firstByte } = parse(write({ client: undefined, firstByte: undefined }))
    assert.deepStrictEqual([client, firstByte], ["unix", null])
  })

  it("writes a reason of middleware", () => {
    assert.strictEqual(parse(write({ outcome: 'x-"é' }))["outcome"], 'x-"é')
  })

  const anyText = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff })))
  const toText = (codes: ReadonlyArray<number>) => String.fromCharCode(...codes)

  it.prop(
    "writes one line of ASCII that reads back as the same values",
    [anyText, anyText, anyText, anyText],
    ([first, second, third, fourth]) => {
      const [method, target, referer, userAgent] = [toText(first), toText(second), toText(third), toText(fourth)]
      const line = write({
        request: {
          ...request,
          method,
          target,
          headers: [
            ["user-agent", userAgent],
            ["referer", referer]
          ]
        }
      })
      assert.match(line, /^[\x20-\x7e]*\n$/)
      assert.deepStrictEqual(parse(line), { ...parse(write()), method, target, referer, userAgent })
    },
    { arbitrary: { runs: 500 } }
  )
})

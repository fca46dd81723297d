import type { ByteString } from "@pagi/core/bytes/ByteString"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import {
  assertAlive,
  assertDead,
  establish,
  exchange,
  finish,
  type HarnessOptions,
  makeHarness,
  siteApplication
} from "./Http2Harness.ts"

/**
 * One rule: after the handshake these bytes are sent, in one turn for each element, and these lines come back. A list that
 * ends with "end" means that the connection is over; otherwise it has to serve a further request.
 */
export type Rule = readonly [
  title: string,
  sends: ReadonlyArray<ByteString>,
  expects: ReadonlyArray<string>,
  options?: HarnessOptions
]

/** A connection error: GOAWAY with the last stream that was opened, and the end. */
export const fails = (lastStreamId: number, code: string): Array<string> => [`GOAWAY ${lastStreamId} ${code}`, "end"]

/** A stream error. */
export const resets = (streamId: number, code: string): string => `RST_STREAM ${streamId} ${code}`

/** The answer of `/`. */
export const hello = (streamId: number): Array<string> => [
  `HEADERS ${streamId} :status 200; content-length 5`,
  `DATA ${streamId} END hello`
]

/** The answer of `/echo`. */
export const echoed = (streamId: number, body: string): Array<string> =>
  body === ""
    ? [`HEADERS ${streamId} END :status 200; content-length 0`]
    : [`HEADERS ${streamId} :status 200; content-length ${body.length}`, `DATA ${streamId} END ${body}`]

/** The server's own answer in place of the application's, on stream 1. */
export const refusal = (status: number, message: string, more = ""): Array<string> => [
  `HEADERS 1 :status ${status}; content-type text/plain; charset=utf-8${more}; content-length ${message.length + 1}`,
  `DATA 1 END ${message}\n`
]

const check = ([, sends, expects, options]: Rule) =>
  Effect.gen(function* () {
    const harness = yield* makeHarness(siteApplication, options)
    const peer = yield* establish(harness)
    const lines: Array<string> = []
    for (const bytes of sends) lines.push(...(yield* exchange(peer, bytes)))
    assert.deepStrictEqual(lines, [...expects])
    if (expects.at(-1) === "end") yield* assertDead(peer)
    else yield* assertAlive(peer)
    yield* finish(harness, peer)
  })

/** A test for each rule of a section. */
export const section = (title: string, rules: ReadonlyArray<Rule>): void =>
  void describe(title, () => {
    for (const rule of rules) it.effect(rule[0], () => check(rule))
  })

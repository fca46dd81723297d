import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { findProgram } from "../../support/FindProgram.ts"
import { run } from "./Programs.ts"

const path = findProgram("wrk")

/** Whether wrk is installed. */
export const hasWrk = path !== undefined

/** What wrk has measured. */
export interface Measured {
  readonly requests: number
  /** Milliseconds within which 99 of 100 responses came. */
  readonly p99: number
  readonly output: string
}

const millisIn = { us: 0.001, ms: 1, s: 1000, m: 60_000 } as const

const p99Of = (output: string): number => {
  const [, value, unit] = /^ +99% +([\d.]+)(us|ms|s|m) *$/m.exec(output) ?? []
  return Number(value) * (unit === "us" || unit === "ms" || unit === "s" || unit === "m" ? millisIn[unit] : Number.NaN)
}

/** How long wrk waits for a response before it counts an error: as long as these tests, as a machine may pause for seconds. */
const patience = ["--timeout", "30s"]

/** Makes requests for some time, over one thread; fails when there was any error. `before` is a command to start it by. */
export const wrk = (
  url: string,
  connections: number,
  seconds: number,
  flags: ReadonlyArray<string> = [],
  before: ReadonlyArray<string> = []
) =>
  Effect.gen(function* () {
    const given = ["-t1", `-c${connections}`, `-d${seconds}s`, "--latency", ...patience, ...flags]
    const command = [...before, path ?? "wrk", ...given, url]
    const { code, output } = yield* run(command[0] ?? "wrk", command.slice(1))
    assert.strictEqual(code, 0, output)
    assert.notMatch(output, /Socket errors|Non-2xx/)
    const measured: Measured = { requests: Number(/(\d+) requests in/.exec(output)?.[1]), p99: p99Of(output), output }
    assert.isAbove(measured.requests, 0, output)
    assert.isAbove(measured.p99, 0, output)
    return measured
  })

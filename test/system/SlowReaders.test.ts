import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { connect, type Socket } from "node:net"
import * as Http1 from "./support/counting/Http1.ts"
import { Ledger } from "./support/counting/Ledger.ts"
import { scrape } from "./support/counting/Scrape.ts"
import {
  descriptors,
  forgetPeak,
  idleDescriptors,
  inMebibytes,
  isMeasurable,
  mebibyte,
  peak,
  resident,
  tell
} from "./support/Memory.ts"
import { fixture, pagiServer, serveFile } from "./support/Programs.ts"
import { newMark, variable } from "./support/SupervisorProcesses.ts"
import { until } from "./support/Until.ts"

const application = fixture("counted")

/** Scrapes that each of these clients asks for: together far more than a gigabyte. */
const scrapes = 5000

/** How much memory may grow meanwhile, of a heap that is left to itself and collects when it wants to. */
const mostGrowth = 256 * mebibyte

/** Longer than anybody should wait, and much shorter than until a client that does not read is given up. */
const longestWait = 5000

/** Has clients make so many requests; yields how long the slowest of them took, in milliseconds. */
const ask = (port: number, requests: number) => {
  const ledger = new Ledger("http")
  let [slowest, before] = [0, performance.now()]
  const onResponse = () => {
    const now = performance.now()
    slowest = Math.max(slowest, now - before)
    before = now
  }
  const kinds = [{ method: "GET", path: "/", status: 200 }]
  const isWanted = () => ledger.requests < requests
  const load = { place: { port, secure: false }, ledger, isWanted, kinds, onResponse, perConnection: 1000 }
  return Effect.map(
    Effect.promise(() => Http1.run(load)),
    () => ({ count: ledger.requests, slowest })
  )
}

/** Asks for metrics again and again, and reads nothing of what comes. */
const openDeaf = (url: string) =>
  Effect.acquireRelease(
    Effect.sync((): Socket => {
      const socket = connect(Number(new URL(url).port), "127.0.0.1")
      socket.on("error", () => {}) // It is closed by the server some time.
      socket.write("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(scrapes))
      return socket
    }),
    (socket) => Effect.sync(() => socket.destroy())
  )

const lostOf = (output: string): number | undefined => {
  const lost = /messages to standard output that were lost, as nobody read it: (\d+)\D/.exec(output)?.[1]
  return lost === undefined ? undefined : Number(lost)
}

/** A server whose standard output is read up to where it serves, and then not any more until somebody wants the rest. */
const serveUnread = (flags: ReadonlyArray<string>) =>
  Effect.acquireRelease(
    Effect.promise(
      () =>
        new Promise<{ readonly port: number; readonly pid: number; readonly rest: Effect.Effect<string> }>(
          (resolve, reject) => {
            const env = { ...process.env, [variable]: newMark() }
            const child = spawn(pagiServer, ["--port=0", ...flags, application], { env })
            let output = ""
            let isServing = false
            child.stderr.resume()
            child.stdout.setEncoding("utf8").on("data", (text: string) => {
              output += text
              const port = /listening on http:\/\/127\.0\.0\.1:(\d+)\//.exec(output)?.[1]
              if (port === undefined || isServing) return
              isServing = true
              child.stdout.pause()
              const rest = Effect.promise(async () => {
                child.stdout.resume()
                // What comes next when there is room says how much was lost before.
                while (lostOf(output) === undefined) await Effect.runPromise(ask(Number(port), 1))
                return output
              })
              resolve({ port: Number(port), pid: child.pid ?? Number.NaN, rest })
            })
            child.once("error", reject)
            child.once("exit", () => reject(new Error(output)))
          }
        )
    ),
    ({ pid }) =>
      Effect.sync(() => {
        try {
          process.kill(pid, "SIGKILL")
        } catch {
          // It has ended.
        }
      })
  )

describe.skipIf(!isMeasurable)("no request waits", () => {
  it.live(
    "for scrapes that are never read, which cost little memory and end",
    () =>
      Effect.gen(function* () {
        const server = yield* serveFile(fixture("counted"), ["--admin=127.0.0.1:0"])
        const url = /the admin listener is at (http:\S+)/.exec(server.output())?.[1] ?? assert.fail(server.output())
        yield* ask(server.port, 2000)
        const open = yield* idleDescriptors(server.pid)
        const comes = Effect.andThen(
          Effect.forEach(Array.from({ length: 20 }), () => openDeaf(url), { discard: true }),
          until(
            "they have connected",
            Effect.map(descriptors(server.pid), (now) => now >= open + 20)
          )
        )
        const areGone = until(
          "they are closed",
          Effect.map(descriptors(server.pid), (now) => now <= open),
          // Ten are what they have; of time in which the server does not come to run, little counts.
          "60 seconds"
        )
        // So that the heap has the size that so many scrapes make it have.
        yield* Effect.scoped(Effect.andThen(comes, Effect.sleep("1 second")))
        yield* areGone
        const memory = yield* resident(server.pid)
        yield* forgetPeak(server.pid)
        yield* comes
        const begun = performance.now()
        yield* scrape(url)
        const scraped = performance.now() - begun
        const { slowest } = yield* ask(server.port, 2000)
        // The server would have had the time to make all of them.
        yield* areGone
        const growth = (yield* peak(server.pid)) - memory
        yield* tell(
          `20 clients that read none of ${scrapes} scrapes: ${inMebibytes(growth)}; meanwhile a scrape took ` +
            `${scraped.toFixed()} ms, and the slowest request ${slowest.toFixed()} ms`
        )
        assert.isBelow(growth, mostGrowth)
        assert.isBelow(scraped, longestWait)
        assert.isBelow(slowest, longestWait)
      }).pipe(Effect.scoped),
    { timeout: 200_000 }
  )

  it.live("for a log that nobody reads, of which what is lost is counted", () =>
    Effect.gen(function* () {
      const { port, rest } = yield* serveUnread(["--log-format=json", "--access-log=log"])
      const { count, slowest } = yield* ask(port, 20_000)
      const output = yield* rest
      const lost = lostOf(output) ?? 0
      const before = output.slice(0, output.indexOf("messages to standard output that were lost"))
      const told = before.split("\n").filter((line) => line.includes('"message":"request"')).length
      yield* tell(`${count} requests, of which ${lost} were not logged; the slowest took ${slowest.toFixed()} ms`)
      // Others wait in memory, a bounded number of bytes.
      assert.isAtLeast(lost, count / 2)
      // Others may be logged again before it is said how many were lost.
      assert.isAtLeast(told + lost, count)
      assert.isBelow(slowest, longestWait)
    }).pipe(Effect.scoped)
  )
})

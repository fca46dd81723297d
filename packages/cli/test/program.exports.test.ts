/** What modules may export besides an application: programs for Effect's HTTP server, and fetch handlers. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { readFileSync } from "node:fs"
import * as http from "node:http"
import * as Exports from "./support/Exports.ts"
import * as Program from "./support/Program.ts"
import * as Site from "./support/Site.ts"

/** Milliseconds; some tests start many programs, on a machine that may have other things to do. */
const timeout = 60_000

const together = { concurrency: 2, discard: true }

/** A request and its response, with what `fetch` does not tell. */
const exchange = (url: string) =>
  Effect.callback<{
    readonly informational: ReadonlyArray<readonly [number, unknown]>
    readonly port: number | undefined
    readonly text: string
    readonly trailers: NodeJS.Dict<string>
  }>((resume) => {
    const informational: Array<readonly [number, unknown]> = []
    const request = http.get(url, { agent: false }, (response) => {
      const { localPort: port } = response.socket
      let text = ""
      response.setEncoding("utf8").on("data", (piece: string) => (text += piece))
      response.on("end", () => resume(Effect.succeed({ informational, port, text, trailers: response.trailers })))
    })
    request.on("information", ({ headers, statusCode }) => informational.push([statusCode, headers["link"]]))
    request.on("error", (error) => resume(Effect.die(error)))
    return Effect.sync(() => request.destroy())
  })

/** Those of these references; the system tests have all of them. */
const some = <A extends { readonly reference: string }>(exports: ReadonlyArray<A>, ...names: ReadonlyArray<string>) => {
  const found = exports.filter(({ reference }) => names.includes(reference))
  assert.strictEqual(found.length, names.length)
  return found
}

describe("pagi-server, given a program for Effect's HTTP server,", () => {
  it.live(
    "serves Layers and Effects, and says at debug what they are",
    () =>
      Effect.forEach(
        some(Exports.programs, "programs.ts:serving", "programs.ts:application", "built.mts:layer"),
        Exports.answers,
        together
      ),
    timeout
  )

  // What the command serves with is another copy of the packages than the one that the module imports.
  it.live(
    "gives an application within it all that the server has",
    () =>
      Effect.gen(function* () {
        const { address, program } = yield* Exports.serve("mounted.ts")
        const { informational, port, text, trailers } = yield* exchange(`${address}raw/`)
        assert.deepStrictEqual(informational, [[103, "</style.css>"]])
        assert.strictEqual(text, `${port} ${new URL(address).port}`)
        assert.deepStrictEqual(trailers, { "x-end": "1" })
        const stream = yield* Exports.ask(`${address}raw/`, { headers: { accept: "text/event-stream" } })
        yield* program.signal("SIGTERM")
        assert.strictEqual(yield* Effect.promise(() => stream.text()), "data: begun\n\ndata: stopping\n\n")
        assert.strictEqual((yield* program.result).code, 0)
      }),
    timeout
  )

  for (const workers of ["0", "2"]) {
    it.live(
      `answers with all that a server has, with ${workers} workers`,
      () =>
        Effect.gen(function* () {
          const { address, program } = yield* Exports.serve("programs.ts", ["--workers", workers])
          const response = yield* Exports.ask(address)
          assert.strictEqual(yield* Effect.promise(() => response.text()), "router, stored")
          // Set before the response is sent, by the application's copy of Effect.
          assert.strictEqual(response.headers.get("x-before"), "done")
          assert.strictEqual(
            yield* Exports.textOf(`${address}file`),
            readFileSync(Exports.fixture("programs.ts"), "utf8")
          )
          assert.strictEqual(yield* Exports.textOf(`${address}address`), "http://127.0.0.1:0")
          assert.strictEqual((yield* Exports.ask(`${address}missing`)).status, 404)
          assert.strictEqual(yield* echo(`${address.replace("http", "ws")}echo`, "to and fro"), "to and fro")
          yield* program.signal("SIGTERM")
          assert.strictEqual((yield* program.result).code, 0)
        }),
      timeout
    )

    it.live(
      `releases what the program has when its last request has ended, with ${workers} workers`,
      () =>
        Effect.gen(function* () {
          const { address, program } = yield* Exports.serve("programs.ts", ["--workers", workers])
          const slow = yield* Effect.forkChild(Exports.textOf(`${address}slow`), { startImmediately: true })
          yield* program.line(/begun$/m)
          yield* program.signal("SIGTERM")
          assert.strictEqual(yield* Fiber.join(slow), "slow, stored")
          const { code, stdout } = yield* program.result
          assert.strictEqual(code, 0)
          assert.match(stdout, /shutting down\n(?:.*\n)*.*closed\n/)
        }),
      timeout
    )
  }

  it.live(
    "serves an HttpApi",
    () =>
      Effect.gen(function* () {
        const { address } = yield* Exports.serve("programs.ts:httpApi")
        const init = { method: "POST", headers: { "content-type": "application/json" } }
        assert.strictEqual(yield* Exports.textOf(`${address}things`, { ...init, body: '{"name":"it"}' }), '"added it"')
        assert.strictEqual((yield* Exports.ask(`${address}things`, { ...init, body: '{"name":1}' })).status, 400)
      }),
    timeout
  )

  it.live(
    "ends also when a request cannot be interrupted",
    () =>
      Effect.gen(function* () {
        const { address, program } = yield* Exports.serve("programs.ts:stuck", ["--shutdown-timeout", "1"])
        yield* Effect.forkChild(Effect.ignore(Effect.tryPromise(() => fetch(address))), { startImmediately: true })
        yield* program.line(/stuck$/m)
        yield* program.signal("SIGTERM")
        const { code, stderr } = yield* program.result
        assert.strictEqual(code, 6)
        assert.notInclude(stderr, "the release of what")
      }),
    timeout
  )

  it.live(
    "refuses what does not serve, or cannot be built",
    () =>
      Effect.all(
        [
          ...some(Exports.unusable, "programs.ts:ownServer", "programs.ts:lacking").map(Exports.refuses),
          Exports.givesUp(Exports.launched)
        ],
        together
      ),
    timeout
  )

  it.live(
    "says in a worker what it cannot build",
    () =>
      Effect.gen(function* () {
        const { code, stderr } = yield* Program.run(["-w", "1", "--port", "0", Exports.fixture("programs.ts:failing")])
        assert.strictEqual(code, 4)
        assert.match(stderr, /^error: worker 1: cannot load .*programs\.ts: the export "failing" failed: no database /m)
      }),
    timeout
  )
})

describe("pagi-server, given a fetch handler,", () => {
  it.live(
    "serves functions and objects, and says at debug what they are",
    () =>
      Effect.forEach(
        some(Exports.fetchHandlers, "fetching.ts:framework", "fetching.ts:yielded"),
        Exports.answers,
        together
      ),
    timeout
  )

  it.live(
    "serves with workers, and warns of what it does not use",
    () =>
      Effect.gen(function* () {
        const { address, program } = yield* Exports.serve("fetching.ts", ["--workers", "2"])
        assert.strictEqual(yield* Exports.textOf(`${address}a`), "object /a")
        yield* program.line(/^worker 1: warning: of the default export only fetch is used, and not port$/m)
        yield* program.signal("SIGTERM")
        assert.strictEqual((yield* program.result).code, 0)
      }),
    timeout
  )

  it.live(
    "refuses handlers of node:http, and functions of too many parameters",
    () =>
      Effect.gen(function* () {
        const cwd = yield* Site.make({
          "node.mjs": "export default (req, res) => { res.end() }",
          "four.mjs": "export default (error, first, second, third) => {}"
        })
        const handler = yield* Program.run(["--port", "0", "node.mjs"], { cwd })
        assert.strictEqual(handler.code, 4)
        assert.include(handler.stderr, "takes a request and a response, as handlers of node:http and Express do")
        const four = yield* Program.run(["--port", "0", "four.mjs"], { cwd })
        assert.strictEqual(four.code, 4)
        assert.include(four.stderr, "the default export is a function of 4 parameters; expected an application")
      }),
    timeout
  )
})

/** What a WebSocket gets back. */
const echo = (url: string, text: string): Effect.Effect<unknown> =>
  Effect.promise(
    () =>
      new Promise((resolve, reject) => {
        const socket = new WebSocket(url)
        socket.addEventListener("open", () => socket.send(text))
        socket.addEventListener("error", () => reject(new Error(`no session with ${url}`)))
        socket.addEventListener("message", ({ data }) => {
          socket.close()
          resolve(data)
        })
      })
  )

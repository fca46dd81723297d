/** What modules may export besides an application: programs for Effect's HTTP server, and fetch handlers. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { readFileSync } from "node:fs"
import * as http from "node:http"
import { join } from "node:path"
import * as Program from "./support/Program.ts"
import * as Site from "./support/Site.ts"

const fixture = (name: string): string => join(import.meta.dirname, "fixtures", name)

/** Milliseconds; some tests start many programs, on a machine that may have other things to do. */
const timeout = 60_000

const together = { concurrency: 2, discard: true }

const serve = (reference: string, flags: ReadonlyArray<string> = []) =>
  Effect.gen(function* () {
    const program = yield* Program.start(["--port", "0", "--no-access-log", ...flags, fixture(reference)])
    return { program, address: yield* Program.address(program) }
  })

const ask = (url: string, init?: RequestInit): Effect.Effect<Response> => Effect.promise(() => fetch(url, init))

const textOf = (url: string, init?: RequestInit): Effect.Effect<string> =>
  Effect.flatMap(ask(url, init), (response) => Effect.promise(() => response.text()))

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

/** Expects an export to answer, and to be named in the log in these words. */
const answers = (reference: string, path: string, text: string, words: string) =>
  Effect.scoped(
    Effect.gen(function* () {
      const { address, program } = yield* serve(reference, ["--log-level", "debug"])
      assert.strictEqual(yield* textOf(address + path), text)
      const [, name] = /:(\w+)$/.exec(reference) ?? []
      const subject = name === undefined ? "the default export" : `the export "${name}"`
      const [, found] = yield* program.line(/^debug: (the (?:default )?export.*)$/m)
      assert.isTrue(found?.startsWith(`${subject} of `), found)
      assert.isTrue(found?.endsWith(` is ${words}`), found)
      yield* program.signal("SIGTERM")
      assert.strictEqual((yield* program.result).code, 0)
    })
  )

/** Expects the command to refuse an export, with this line and exit code 4. */
const refuses = (reference: string, line: string, options?: Program.Options) =>
  Effect.map(Program.run(["--port", "0", fixture(reference)], options), ({ code, stderr }) => {
    const path = fixture(reference.replace(/:\w+$/, ""))
    const errors = stderr.split("\n").filter((text) => text.startsWith("error: "))
    assert.deepStrictEqual([code, errors], [4, [`error: cannot load ${path}: ${line}`]])
  })

const plain = "a program of Effect's HttpServer"

describe("pagi-server, given a program for Effect's HTTP server,", () => {
  it.live(
    "serves Layers and Effects, and says at debug what they are",
    () =>
      Effect.all(
        [
          answers("programs.ts", "", "router, stored", "a Layer that serves an HttpRouter"),
          answers("programs.ts:plain", "", "plain", `a Layer that serves ${plain}`),
          answers("programs.ts:serving", "", "serving", `an Effect that serves ${plain}`),
          answers("programs.ts:httpEffect", "a?b", "effect /a?b", "an Effect that responds"),
          answers("programs.ts:constant", "", "constant", "an Effect that responds"),
          answers("programs.ts:toHttpEffect", "", "to effect", "an Effect that yields one that responds"),
          answers(
            "programs.ts:application",
            "",
            "exists: true",
            "an Effect that yields an application of PAGI for http"
          ),
          answers("built.mts:layer", "", "from a Layer", "a Layer that provides PagiApp"),
          answers("default.ts", "", "default", "an application of PAGI for http")
        ],
        together
      ),
    timeout
  )

  // What the command serves with is another copy of the packages than the one that the module imports.
  it.live("gives an application within it all that the server has", () =>
    Effect.gen(function* () {
      const { address, program } = yield* serve("mounted.ts")
      const { informational, port, text, trailers } = yield* exchange(`${address}raw/`)
      assert.deepStrictEqual(informational, [[103, "</style.css>"]])
      assert.strictEqual(text, `${port} ${new URL(address).port}`)
      assert.deepStrictEqual(trailers, { "x-end": "1" })
      const stream = yield* ask(`${address}raw/`, { headers: { accept: "text/event-stream" } })
      yield* program.signal("SIGTERM")
      assert.strictEqual(yield* Effect.promise(() => stream.text()), "data: begun\n\ndata: stopping\n\n")
      assert.strictEqual((yield* program.result).code, 0)
    })
  )

  for (const workers of ["0", "2"]) {
    it.live(
      `answers with all that a server has, with ${workers} workers`,
      () =>
        Effect.gen(function* () {
          const { address, program } = yield* serve("programs.ts", ["--workers", workers])
          const response = yield* ask(address)
          assert.strictEqual(yield* Effect.promise(() => response.text()), "router, stored")
          // Set before the response is sent, by the application's copy of Effect.
          assert.strictEqual(response.headers.get("x-before"), "done")
          assert.strictEqual(yield* textOf(`${address}file`), readFileSync(fixture("programs.ts"), "utf8"))
          assert.strictEqual(yield* textOf(`${address}address`), "http://127.0.0.1:0")
          assert.strictEqual((yield* ask(`${address}missing`)).status, 404)
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
          const { address, program } = yield* serve("programs.ts", ["--workers", workers])
          const slow = yield* Effect.forkChild(textOf(`${address}slow`), { startImmediately: true })
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
        const { address } = yield* serve("programs.ts:httpApi")
        const init = { method: "POST", headers: { "content-type": "application/json" } }
        assert.strictEqual(yield* textOf(`${address}things`, { ...init, body: '{"name":"it"}' }), '"added it"')
        assert.strictEqual((yield* ask(`${address}things`, { ...init, body: '{"name":1}' })).status, 400)
      }),
    timeout
  )

  it.live(
    "ends also when a request cannot be interrupted",
    () =>
      Effect.gen(function* () {
        const { address, program } = yield* serve("programs.ts:stuck", ["--shutdown-timeout", "1"])
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
    () => {
      const route = "give routes to HttpRouter.serve, or a program to HttpServer.serve, without a server of its own"
      const neither = `is a Layer that neither provides PagiApp nor serves; ${route} such as NodeHttpServer.layer`
      return Effect.all(
        [
          refuses(
            "programs.ts:unserved",
            'the export "unserved" failed: Service not found: effect/http/HttpRouter; export HttpRouter.serve(routes) in place of the routes'
          ),
          refuses("programs.ts:other", `the export "other" ${neither}`),
          refuses("programs.ts:ownServer", `the export "ownServer" ${neither}`),
          refuses(
            "programs.ts:both",
            'the export "both" is a Layer that both provides PagiApp and serves; give one of them to the other, by PagiApp.fromHttpEffect for instance'
          ),
          refuses(
            "programs.ts:lacking",
            'the export "lacking" failed: Service not found: test/Store; what the module exports has to provide it, by Layer.provide or Effect.provide'
          ),
          refuses(
            "programs.ts:early",
            'the export "early" failed: Service not found: effect/http/HttpServerRequest; there are requests in handlers only, and not while a Layer is built'
          ),
          refuses("programs.ts:nested", 'what the export "nested" yields is a Layer; give the Effect to Layer.unwrap'),
          refuses(
            "programs.ts:response",
            'the export "response" is an HttpServerResponse; export what makes one for each request, such as (request) => new Response(text)'
          ),
          refuses(
            "programs.ts:webHandler",
            'the export "webHandler" is an object with dispose, handler; export the Layer of HttpRouter.serve in place of what HttpRouter.toWebHandler gives'
          ),
          refuses(
            "programs.ts:launched",
            'the export "launched" has not completed within 2s (bootTimeout), but serves; export the Layer itself in place of Layer.launch',
            { env: { PAGI_BOOT_TIMEOUT: "2s" } }
          )
        ],
        together
      )
    },
    timeout
  )

  it.live(
    "says in a worker what it cannot build",
    () =>
      Effect.gen(function* () {
        const { code, stderr } = yield* Program.run(["-w", "1", "--port", "0", fixture("programs.ts:failing")])
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
      Effect.all(
        [
          answers("fetching.ts", "a", "object /a", "an object with fetch"),
          answers("fetching.ts:handler", "a", "function /a", "a fetch function"),
          answers("fetching.ts:framework", "a", "framework /a", "an object with fetch"),
          answers("fetching.ts:yielded", "a", "function /a", "an Effect that yields a fetch function")
        ],
        together
      ),
    timeout
  )

  it.live(
    "serves with workers, and warns of what it does not use",
    () =>
      Effect.gen(function* () {
        const { address, program } = yield* serve("fetching.ts", ["--workers", "2"])
        assert.strictEqual(yield* textOf(`${address}a`), "object /a")
        yield* program.line(/^worker 1: warning: of the default export only fetch is used, and not port$/m)
        yield* program.signal("SIGTERM")
        assert.strictEqual((yield* program.result).code, 0)
      }),
    timeout
  )

  it.live(
    "refuses a function that could be an application as well, and what is neither",
    () =>
      Effect.gen(function* () {
        yield* refuses(
          "fetching.ts:ambiguous",
          'the export "ambiguous" is a function without parameters, which can be a fetch handler or an application; say which by PagiApp.fromFetch(handler), or by the parameters (scope, receive, send)'
        )
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

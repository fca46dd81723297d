import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as ServerOptions from "@pagi/core/ServerOptions"
import * as Schedule from "effect/Schedule"
import { existsSync, readFileSync } from "node:fs"
import { createServer } from "node:net"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import * as Program from "./support/Program.ts"
import * as Site from "./support/Site.ts"

const fixture = (name: string): string => join(import.meta.dirname, "fixtures", name)

const version =
  /"version": "([^"]+)"/.exec(readFileSync(join(import.meta.dirname, "../package.json"), "utf8"))?.[1] ?? ""

/** A port of 127.0.0.1 that is in use. */
const usedPort = Effect.map(
  Effect.acquireRelease(
    Effect.promise(
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve) => {
          const server = createServer().listen(0, "127.0.0.1", () => resolve(server))
        })
    ),
    (server) => Effect.sync(() => server.close())
  ),
  // A TCP server has an address of this kind.
  (server) => (server.address() as AddressInfo).port
)

/** Expects the program to end with this code, one line on standard error and nothing else. */
const refuses = (code: number, line: string, args: ReadonlyArray<string>, options?: Program.Options) =>
  Effect.map(Program.run(args, options), (result) => {
    assert.deepStrictEqual(result, { code, signal: null, stdout: "", stderr: `error: ${line}\n` })
  })

/** Some tests start what the README does, the others what is published. */
const fromSources: Program.Options = { command: Program.fromSources }

const together = { concurrency: 2, discard: true }

/** Milliseconds; some tests start many programs, on a machine that may have other things to do. */
const timeout = 60_000

/** A folder with these files, and a check of what is said of one that cannot be loaded. */
const loading = (files: Readonly<Record<string, string>>) =>
  Effect.map(Site.make(files), (cwd) => ({
    cwd,
    load: (path: string, line: string, options?: Program.Options) =>
      refuses(4, `cannot load ${path}: ${line}`, [path], { cwd, ...options })
  }))

describe("pagi-server", () => {
  it.live(
    "prints its version and help",
    () =>
      Effect.gen(function* () {
        const [long, short, help] = yield* Effect.all(
          [Program.run(["--version"]), Program.run(["-v"], fromSources), Program.run(["--help", "all"])],
          { concurrency: 2 }
        )
        assert.deepStrictEqual(long, { code: 0, signal: null, stdout: `pagi-server v${version}\n`, stderr: "" })
        assert.deepStrictEqual(short, long)
        assert.deepStrictEqual([help.code, help.stderr], [0, ""])
        assert.match(help.stdout, /^ {2}-p, --port PORT +Port to listen on; 0 picks a free one \(default 5000\)$/m)
        for (const [name] of ServerOptions.definitions) {
          assert.match(
            help.stdout,
            new RegExp(`^ {6}--${ServerOptions.flagName(name)}\\b|, --${ServerOptions.flagName(name)}\\b`, "m")
          )
        }
        assert.deepStrictEqual(
          help.stdout.split("\n").filter((line) => line.length > 80),
          []
        )
      }),
    timeout
  )

  it.live(
    "refuses a command line that it does not understand",
    () =>
      Effect.all(
        [
          refuses(2, "unknown flag --prot; did you mean --port?", ["--prot", "1"]),
          refuses(2, "unknown flag --bind; did you mean --listen?", ["--bind", "0.0.0.0:80"], fromSources),
          refuses(2, 'unexpected argument "b.ts"; one application is served', ["a.ts", "b.ts"]),
          refuses(2, 'option --port: "x" is not allowed; expected a whole number from 0 to 65535', ["--port", "x"]),
          refuses(2, 'option PAGI_PORT: "-1" is not allowed; expected a whole number from 0 to 65535', [], {
            env: { PAGI_PORT: "-1" }
          }),
          refuses(2, "--access-log and --no-access-log exclude each other", ["--no-access-log", "--access-log=off"])
        ],
        together
      ),
    timeout
  )

  it.live(
    "refuses what is not Node, or an old one, before it loads anything else",
    () => {
      const runsOn = (name: string, version: string) => {
        const versions = `{value:{...process.versions,${name}:'${version}'}}`
        return {
          env: { NODE_OPTIONS: `--import=data:text/javascript,Object.defineProperty(process,'versions',${versions})` }
        }
      }
      const needed = "PAGI needs Node 22.19 or later, and this is"
      return Effect.all(
        [
          refuses(2, `${needed} Bun 1.4.5`, [], runsOn("bun", "1.4.5")),
          refuses(2, `${needed} Deno 2.9.6`, ["--version"], runsOn("deno", "2.9.6")),
          refuses(2, `${needed} Node 22.18.0`, ["-w", "2"], { ...runsOn("node", "22.18.0"), ...fromSources })
        ],
        together
      )
    },
    timeout
  )

  it.live(
    "refuses what is no application",
    () =>
      Effect.gen(function* () {
        const cwd = yield* Site.make({
          "async.ts":
            "export default async (scope: unknown, receive: unknown, send: unknown) => String([scope, receive, send])",
          "express.mjs": "export default (req, res, next) => { res.send(req.path) }",
          "nothing.mjs": "export default (scope, receive, send) => {}",
          "earlier/app.mjs": "export default () => {}",
          "earlier/node_modules/effect/package.json": '{ "version": "3.19.4" }'
        })
        const write =
          "write Effect.fnUntraced(function*(scope, receive, send) { ... }), with yield* before every Effect"
        yield* Effect.all(
          [
            refuses(
              4,
              `the application returned a Promise, not an Effect; in place of an async function ${write}, and give promises to Effect.promise`,
              ["async.ts"],
              { cwd }
            ),
            refuses(
              4,
              `the application takes a request and a response, as handlers of node:http and Express do; an application takes a scope, receive and send: ${write} (it threw: TypeError: res.send is not a function)`,
              ["express.mjs", "--port", "0"],
              { cwd, ...fromSources }
            ),
            refuses(
              4,
              "the application returned undefined, not an Effect; return the Effect that the function makes",
              ["nothing.mjs", "--lifespan", "on"],
              { cwd }
            ),
            refuses(
              4,
              "cannot load earlier/app.mjs: its folder has effect 3.19.4, with which this server (effect 4.1.0) cannot work; npm install effect@^4.1.0",
              ["earlier/app.mjs"],
              { cwd }
            )
          ],
          together
        )
      }),
    timeout
  )

  it.live(
    "refuses an application that it cannot load",
    () =>
      Effect.gen(function* () {
        const { cwd, load } = yield* loading({
          "useless.ts": "export default 42 as number",
          "import.mjs": 'import "./gone.mjs"',
          "hangs.mjs": "export default await new Promise(() => {})",
          "throws.ts": "const reason: string = 'no good'\n\nthrow new Error(reason)"
        })
        const expected =
          "expected an application (PagiApp.make), a Layer that serves, an Effect that responds, or a fetch handler"
        const soon = { env: { PAGI_BOOT_TIMEOUT: "100ms" } }
        yield* Effect.all(
          [
            load("gone.ts", "there is no such file"),
            load("throws.ts", "no good (throws.ts:3)"),
            load("throws.ts", "no good (throws.ts:3)", fromSources),
            load("hangs.mjs", "its import has not completed within 100ms (bootTimeout)", soon),
            load("import.mjs", `Cannot find module '${cwd}/gone.mjs' imported from ${cwd}/import.mjs`),
            load("useless.ts", `the default export is a number; ${expected}`)
          ],
          together
        )
      }),
    timeout
  )

  it.live(
    "names the file and the line of a syntax error, also in a module that the application imports",
    () =>
      Effect.gen(function* () {
        const { load } = yield* loading({
          "enum.ts": "\nenum Color { Red }\nexport default Color",
          "syntax.mjs": "export default = 1",
          "package.json": '{ "type": "module" }',
          "scripts/package.json": '{ "type": "commonjs" }',
          "scripts/app.js": 'import fs from "node:fs"\nexport default () => fs',
          "scripts/app.ts": "export default (): number => 1",
          "outer.mjs": 'import "./scripts/app.js"',
          "way/to it.mjs": "export const a = 1\n\nexport const b = = 2",
          "deep.mjs": 'import { b } from "./way/to it.mjs"\nexport default b',
          "later.ts": 'const name: string = "it"\nexport default (await import("./way/to it.mjs")).b ?? name'
        })
        const asModule = 'set "type": "module" in the package.json of its folder, or name it .mjs or .mts'
        const noImport = `SyntaxError: Cannot use import statement outside a module (scripts/app.js:1); ${asModule}`
        const noExport = `SyntaxError: Unexpected token 'export' (scripts/app.ts:1); ${asModule}`
        yield* Effect.all(
          [
            load("enum.ts", "SyntaxError: TypeScript enum is not supported in strip-only mode (enum.ts:2)"),
            load("syntax.mjs", "SyntaxError: Unexpected token '=' (syntax.mjs:1)"),
            load("deep.mjs", "SyntaxError: Unexpected token '=' (way/to it.mjs:3)"),
            load("later.ts", "SyntaxError: Unexpected token '=' (way/to it.mjs:3)", fromSources),
            load("scripts/app.js", noImport),
            load("outer.mjs", noImport),
            load("scripts/app.ts", noExport, fromSources)
          ],
          together
        )
      }),
    timeout
  )

  it.live(
    "warns of variables that look like its own, and of options that do nothing, once",
    () =>
      Effect.gen(function* () {
        const env = { PAGI_PROT: "80", PAGI_QUIET: "1" }
        const warnings =
          "warning: the variable PAGI_PROT is no option of the server; did you mean PAGI_PORT?\n" +
          "warning: --trusted-fields has no effect without --trusted-proxies\n"
        const flags = ["-p", "0", "--trusted-fields", "for"]
        const outputs = yield* Effect.forEach(
          ["0", "1"],
          (workers) =>
            Effect.scoped(
              Effect.gen(function* () {
                const server = yield* Program.start([...flags, "-w", workers, fixture("default.ts")], { env })
                yield* server.line(/warning: --/)
                yield* server.signal("SIGTERM")
                return (yield* server.result).stderr
              })
            ),
          { concurrency: 2 }
        )
        assert.deepStrictEqual(outputs, [warnings, warnings])
      }),
    timeout
  )

  it.live(
    "refuses a port that is in use, and an application that refuses to start",
    () =>
      Effect.gen(function* () {
        const port = yield* usedPort
        yield* Effect.all(
          [
            refuses(3, `port ${port} on 127.0.0.1 is already in use`, ["--port", String(port)]),
            refuses(5, "application startup failed: no database\\nat all", [
              "-p",
              "0",
              `${fixture("lifespan.ts")}:refusing`
            ])
          ],
          together
        )
      }),
    timeout
  )

  it.live(
    "serves an application, and finishes what it has begun when it is told to stop",
    () =>
      Effect.gen(function* () {
        const program = yield* Program.start(["--port", "0", fixture("drain.ts")], fromSources)
        const url = yield* Program.address(program)
        const response = yield* Effect.promise(() => fetch(`${url}a%0Ab`))
        assert.strictEqual(response.status, 200)
        yield* program.signal("SIGINT")
        assert.strictEqual(yield* Effect.promise(() => response.text()), "begun, done")
        const { code, stderr, stdout } = yield* program.result
        assert.strictEqual(code, 0)
        assert.match(stdout, Program.course(url))
        assert.match(stderr, /^127\.0\.0\.1 - - \[[^\]]+\] "GET \/a%0Ab" 200 \S+\n$/)
      }),
    timeout
  )

  it.live(
    "stops at once when it is told a second time",
    () =>
      Effect.gen(function* () {
        const pidFile = join(yield* Site.make({}), "server.pid")
        const program = yield* Program.start(["--port", "0", "--pid", pidFile, fixture("drain.ts")])
        const url = yield* Program.address(program)
        assert.isTrue(existsSync(pidFile))
        yield* Effect.promise(() => fetch(`${url}stuck`))
        yield* program.signal("SIGTERM")
        yield* program.line(/^waiting for 1 connection \(1 request\), for up to 30s$/m)
        const signals = Effect.repeat(program.signal("SIGTERM"), Schedule.spaced("50 millis"))
        const { code, stderr } = yield* Effect.raceFirst(program.result, Effect.andThen(signals, Effect.never))
        assert.strictEqual(code, 143)
        assert.match(stderr, /^warning: cut off by a second SIGTERM: 1 connection \(1 request\)$/m)
        assert.isFalse(existsSync(pidFile))
      }),
    timeout
  )

  it.live(
    "serves the current directory when there is no application",
    () =>
      Effect.gen(function* () {
        const cwd = yield* Site.make({ "a.txt": "some text", ".hidden": "" })
        const program = yield* Program.start([], { cwd, env: { PAGI_PORT: "0", PAGI_ACCESS_LOG: "off" } })
        const url = yield* Program.address(program)
        const text = (path: string) => Effect.promise(() => fetch(url + path).then((response) => response.text()))
        assert.include(yield* text(""), "a.txt")
        assert.strictEqual(yield* text("a.txt"), "some text")
        yield* program.signal("SIGTERM")
        const { stdout, ...result } = yield* program.result
        assert.deepStrictEqual(result, { code: 0, signal: null, stderr: "" })
        assert.match(stdout, Program.course(url))
      }),
    timeout
  )

  it.live(
    "starts and stops the application, and says little with --quiet",
    () =>
      Effect.gen(function* () {
        const program = yield* Program.start(["--quiet", "--port", "0", fixture("lifespan.ts")])
        yield* program.line(/warning: opened/)
        yield* program.signal("SIGINT")
        const { code, stderr, stdout } = yield* program.result
        assert.deepStrictEqual([code, stdout, stderr], [0, "", "warning: opened\nwarning: closed\n"])
      }),
    timeout
  )
})

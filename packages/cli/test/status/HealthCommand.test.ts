import { assert, describe, it } from "@effect/vitest"
import * as Endpoint from "@pagi/core/options/Endpoint"
import * as Effect from "effect/Effect"
import { createServer } from "node:http"
import { createServer as createSocket, type AddressInfo } from "node:net"
import { join } from "node:path"
import * as HealthCommand from "../../src/status/HealthCommand.ts"
import * as Program from "../support/Program.ts"
import * as Site from "../support/Site.ts"

const timeout = 60_000

const question = (endpoint: Endpoint.Endpoint, rest: Partial<HealthCommand.Question> = {}): HealthCommand.Question => ({
  endpoint,
  path: "/readyz",
  timeout: 5000,
  ...rest
})

/** A server that answers by the path, at a port of its own or at a path. */
const serve = (answers: Readonly<Record<string, number>>, path?: string) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<ReturnType<typeof createServer>>((resume) => {
        const server = createServer(({ url = "" }, response) => {
          response.writeHead(answers[url] ?? 404).end(`${url}\n\u001b[2J\r\n`)
        }).listen(path ?? { port: 0, host: "127.0.0.1" }, () => resume(Effect.succeed(server)))
      }),
      (server) => Effect.sync(() => server.close().closeAllConnections())
    ),
    // An object where it listens on TCP, and a text otherwise.
    (server) => (path === undefined ? (server.address() as AddressInfo).port : 0)
  )

describe("pagi-server health", () => {
  it("reads its arguments", () => {
    const local = Endpoint.tcp("127.0.0.1", 9090)
    assert.deepStrictEqual(HealthCommand.parse([], "127.0.0.1:9090"), question(local))
    assert.deepStrictEqual(HealthCommand.parse(["127.0.0.1:9090"], "10.0.0.1:1"), question(local))
    assert.deepStrictEqual(HealthCommand.parse(["http://127.0.0.1:9090/", "--live"], undefined), {
      ...question(local),
      path: "/livez"
    })
    assert.deepStrictEqual(
      HealthCommand.parse(["--timeout=2.5", "unix:/run/a.sock"], ""),
      question(Endpoint.unix("/run/a.sock"), { timeout: 2500 })
    )
    assert.deepStrictEqual(
      HealthCommand.parse(["--timeout", "500ms", "/a"], ""),
      question(Endpoint.unix("/a"), { timeout: 500 })
    )
  })

  it("asks at this machine's own address what listens on all", () => {
    const endpointOf = (text: string) => {
      const read = HealthCommand.parse([], text)
      return HealthCommand.isOutcome(read) ? read.message : Endpoint.format(read.endpoint)
    }
    assert.strictEqual(endpointOf("0.0.0.0:9090"), "127.0.0.1:9090")
    assert.strictEqual(endpointOf("[::]:9090"), "[::1]:9090")
    assert.strictEqual(endpointOf("[::1]:9090"), "[::1]:9090")
  })

  for (const [args, admin, message] of [
    [["-x"], "", "unknown flag -x of health; expected --live or --timeout SECONDS"],
    [["/a", "/b"], "", 'unexpected argument "/b" of health; one server is asked'],
    [["--timeout", "0", "/a"], "", "--timeout: expected seconds, more than 0, such as 5, 2.5 or 500ms"],
    [["--timeout"], "/a", "--timeout: expected seconds, more than 0, such as 5, 2.5 or 500ms"],
    [["9090"], "", '"9090": expected host:port, [IPv6 address]:port or the path of a Unix socket'],
    [
      [],
      undefined,
      "where is the admin listener? Name its address, such as 127.0.0.1:9090, or set the variable PAGI_ADMIN"
    ],
    [
      [],
      "127.0.0.1:0",
      "the variable PAGI_ADMIN (127.0.0.1:0) has port 0, for which the system has chosen another one; name that one"
    ]
  ] as const) {
    it(`refuses ${args.join(" ") || admin || "nothing"}`, () => {
      assert.deepStrictEqual(HealthCommand.parse(args, admin), { code: 2, message: `error: ${message}` })
    })
  }

  it.live("says by its exit code whether the server is ready", () =>
    Effect.gen(function* () {
      const folder = yield* Site.make({})
      const path = join(folder, "admin.sock")
      const port = yield* serve({ "/readyz": 503, "/livez": 200 })
      yield* serve({ "/readyz": 200 }, path)
      const ask = (asked: HealthCommand.Question) => Effect.promise(() => HealthCommand.ask(asked))
      const local = Endpoint.tcp("127.0.0.1", port)
      assert.deepStrictEqual(yield* ask({ endpoint: local, path: "/readyz", timeout: 5000 }), {
        code: 1,
        message: "error: not ready\n/readyz\n?[2J"
      })
      assert.deepStrictEqual(yield* ask({ endpoint: local, path: "/livez", timeout: 5000 }), {
        code: 0,
        message: "/livez\n?[2J"
      })
      assert.deepStrictEqual(yield* ask({ endpoint: Endpoint.unix(path), path: "/readyz", timeout: 5000 }), {
        code: 0,
        message: "/readyz\n?[2J"
      })
      assert.deepStrictEqual(yield* ask({ endpoint: Endpoint.unix(path), path: "/livez", timeout: 5000 }), {
        code: 1,
        message: `error: the admin listener at ${path} answers 404; is it one?`
      })
      assert.deepStrictEqual(yield* ask({ endpoint: Endpoint.unix(`${path}.not`), path: "/livez", timeout: 5000 }), {
        code: 1,
        message: `error: the admin listener at ${path}.not does not answer: ENOENT`
      })
    })
  )

  it.live("waits no longer than it is told to, for an answer as for its end", () =>
    Effect.gen(function* () {
      for (const text of ["", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nrea"]) {
        const silent = yield* Effect.acquireRelease(
          Effect.callback<ReturnType<typeof createSocket>>((resume) => {
            const server = createSocket((socket) => void socket.on("error", () => {}).write(text)).listen(
              0,
              "127.0.0.1",
              () => resume(Effect.succeed(server))
            )
          }),
          (server) => Effect.sync(() => server.close())
        )
        // An object, since it listens on TCP.
        const { port } = silent.address() as AddressInfo
        const result = yield* Effect.promise(() =>
          HealthCommand.ask({ endpoint: Endpoint.tcp("127.0.0.1", port), path: "/livez", timeout: 50 })
        )
        assert.deepStrictEqual(result, {
          code: 1,
          message: `error: the admin listener at 127.0.0.1:${port} has not answered within 0.05 seconds`
        })
      }
    })
  )

  it.live(
    "asks a server that runs, by the address that its environment has",
    () =>
      Effect.gen(function* () {
        const folder = yield* Site.make({})
        const env = { PAGI_ADMIN: join(folder, "admin.sock") }
        const before = yield* Program.run(["health"], { env })
        assert.deepStrictEqual(
          [before.code, before.stdout, before.stderr],
          [1, "", `error: the admin listener at ${env.PAGI_ADMIN} does not answer: ENOENT\n`]
        )
        const server = yield* Program.start(["--port", "0"], { env, cwd: folder })
        yield* Program.address(server)
        const during = yield* Program.run(["health"], { env })
        assert.deepStrictEqual([during.code, during.stdout, during.stderr], [0, "ready\n", ""])
        const help = yield* Program.run(["health", "--help"])
        assert.deepStrictEqual([help.code, help.stdout, help.stderr], [0, HealthCommand.usage, ""])
        const mistake = yield* Program.run(["health"])
        assert.deepStrictEqual([mistake.code, mistake.stdout], [2, ""])
      }),
    timeout
  )
})

import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { type AddressInfo, createServer, type Server } from "node:net"
import { join } from "node:path"
import * as FirstProcess from "../support/FirstProcess.ts"
import * as Program from "../support/Program.ts"
import { looks } from "../support/Until.ts"

const timeout = 90_000

const application = join(import.meta.dirname, "../fixtures/orphans.ts")

const get = (url: string): Effect.Effect<string> =>
  Effect.promise(() => fetch(url, { headers: { connection: "close" } }).then((response) => response.text()))

/** A socket for another process, as service managers pass one on, which is to leave it before somebody connects. */
const listening = Effect.acquireRelease(
  Effect.callback<Server>((resume) => {
    const server = createServer().listen({ port: 0, host: "127.0.0.1", backlog: 8 }, () =>
      resume(Effect.succeed(server))
    )
  }),
  (server) => Effect.sync(() => server.close())
).pipe(
  Effect.map((server) => {
    // Not declared: the handle of a listening socket, which knows its descriptor.
    const { _handle: handle } = server as unknown as { readonly _handle: { readonly fd: number } }
    // An object, since it listens on TCP.
    const { port } = server.address() as AddressInfo
    return { descriptor: handle.fd, port, leave: Effect.sync(() => server.close()) }
  })
)

const serve = (flags: ReadonlyArray<string> = [], env: Readonly<Record<string, string>> = {}) =>
  Effect.gen(function* () {
    const program = yield* FirstProcess.start(["--port", "0", "--no-access-log", ...flags, application], {
      env
    })
    const address = yield* Program.address(program)
    yield* program.line(/^pagi \S+ serves /m)
    return { program, address }
  })

describe.skipIf(!FirstProcess.isPossible)("pagi-server as process 1", () => {
  for (const flags of [[], ["--workers", "2"]]) {
    it.live(
      `leaves no zombies, and ends when it is told to (${flags.join(" ") || "without workers"})`,
      () =>
        Effect.gen(function* () {
          const { address, program } = yield* serve(flags)
          yield* program.line(/^127\.0\.0\.1:0 cannot be reached from outside of this container; --host 0\.0\.0\.0 /m)
          const orphan = yield* get(`${address}orphan`)
          assert.match(orphan, /^\d+$/)
          const reaches = (end: RegExp) =>
            Effect.repeat(get(`${address}${orphan}`), { until: (state) => end.test(state), schedule: looks })
          yield* reaches(/^\S 1$/)
          yield* get(`${address}end?${orphan}`)
          // Without somebody who waits for it, it is a zombie from now on: Z 1.
          yield* reaches(/^gone$/)
          yield* program.tell("SIGTERM")
          const { code, stderr } = yield* program.result
          assert.strictEqual(code, 0, stderr)
          assert.notMatch(stderr, /^error: /m)
        }),
      timeout
    )
  }

  it.live(
    "takes signals of administrators, but does not let another process take its place",
    () =>
      Effect.gen(function* () {
        const { address, program } = yield* serve(["--workers", "1"])
        const pidOf = Effect.map(get(`${address}environment`), (text) => Number(/"pid":(\d+)/.exec(text)?.[1]))
        const before = yield* pidOf
        yield* program.tell("SIGUSR2")
        yield* program.line(/^warning: SIGUSR2 asks for another process to take over, which would end the container/m)
        assert.strictEqual(yield* pidOf, before)
        yield* program.tell("SIGHUP")
        yield* Effect.repeat(pidOf, { until: (pid) => pid !== before, schedule: looks })
        yield* program.tell("SIGINT")
        assert.strictEqual((yield* program.result).code, 0)
      }),
    timeout
  )

  it.live(
    "gives the application its environment, with names that shells do not know",
    () =>
      Effect.gen(function* () {
        const { address } = yield* serve([], { "app.name": "a b", PWD: "/nowhere" })
        // What the application itself has put there.
        const { environment, pid } = JSON.parse(yield* get(`${address}environment`)) as {
          readonly environment: Readonly<Record<string, string>>
          readonly pid: number
        }
        assert.isAbove(pid, 1)
        assert.include(environment, { "app.name": "a b" })
        assert.notProperty(environment, "PAGI_PROCESS_ONE")
      }),
    timeout
  )

  it.live(
    "stays process 1 where there is no shell",
    () =>
      Effect.gen(function* () {
        const flags = ["--port", "0", "--no-access-log", "--workers", "1", application]
        const program = yield* FirstProcess.start(flags, { hasShell: false })
        yield* Program.address(program)
        yield* program.line(/ with 1 worker below process 1: /)
        yield* program.tell("SIGUSR2")
        yield* program.line(/^warning: SIGUSR2 asks for another process to take over/m)
        yield* program.tell("SIGTERM")
        assert.strictEqual((yield* program.result).code, 0)
      }),
    timeout
  )

  it.live(
    "stays process 1 where sockets are passed on to that alone",
    () =>
      Effect.gen(function* () {
        const { descriptor, leave, port } = yield* listening
        const program = yield* FirstProcess.start(["--listen", `127.0.0.1:${port}`, "--no-access-log", application], {
          descriptors: [descriptor],
          env: { LISTEN_PID: "1", LISTEN_FDS: "1" }
        })
        yield* program.line(/^pagi \S+ serves .* in process 1, /m)
        yield* leave
        assert.include(yield* get(`http://127.0.0.1:${port}/environment`), '"pid":1,')
        yield* program.tell("SIGTERM")
        assert.strictEqual((yield* program.result).code, 0)
      }),
    timeout
  )

  it.live(
    "can be stopped while the application is loaded",
    () =>
      Effect.gen(function* () {
        const program = yield* FirstProcess.start(["--port", "0", `${application}:slow`])
        yield* program.line(/^loading /m)
        yield* program.tell("SIGTERM")
        assert.strictEqual((yield* program.result).code, 0)
      }),
    timeout
  )

  it.live(
    "ends with the exit code of a start that fails, and refuses to go into the background",
    () =>
      Effect.gen(function* () {
        const missing = yield* FirstProcess.start(["./missing.ts"])
        assert.strictEqual((yield* missing.result).code, 4)
        const background = yield* FirstProcess.start(["--daemonize", application])
        const { code, stderr } = yield* background.result
        assert.strictEqual(code, 2)
        assert.match(stderr, /^error: --daemonize would end the container/)
      }),
    timeout
  )
})

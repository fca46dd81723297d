import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { chmodSync, existsSync, fstatSync, linkSync, lstatSync, renameSync } from "node:fs"
import { request } from "node:http"
import { createServer, type ListenOptions, type Server } from "node:net"
import { join } from "node:path"
import { findProgram } from "../../../test/support/FindProgram.ts"
import * as Program from "./support/Program.ts"
import * as Site from "./support/Site.ts"

const timeout = 60_000

const app = join(import.meta.dirname, "fixtures/children.ts")

/** The body of an answer, from a URL or the path of a Unix socket. */
const get = (
  where: { readonly port: number } | { readonly socketPath: string },
  path = "/"
): Effect.Effect<string, Error> =>
  Effect.callback((resume) => {
    const asking = request({ host: "127.0.0.1", ...where, path }, (response) => {
      let text = ""
      response.setEncoding("utf8").on("data", (piece: string) => {
        text += piece
      })
      response.on("end", () => resume(Effect.succeed(text)))
    })
    asking.on("error", (error) => resume(Effect.fail(error)))
    asking.end()
    return Effect.sync(() => asking.destroy())
  })

interface Opened {
  readonly port: number
  readonly descriptor: number
  readonly server: Server
  /** Leaves the socket to the process that has inherited it: no connection is to be accepted here. */
  readonly leave: Effect.Effect<void>
}

/** A listening socket for another process. */
const opened = (options: ListenOptions): Effect.Effect<Opened, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<Opened>((resume) => {
      const server = createServer()
      server.listen(options, () => {
        const address = server.address()
        // Not declared: the handle of a listening socket, which knows its descriptor.
        const { _handle } = server as unknown as { readonly _handle: { readonly fd: number } }
        const port = typeof address === "string" || address === null ? 0 : address.port
        const leave = Effect.sync(() => close(server, options.path))
        resume(Effect.succeed({ port, descriptor: _handle.fd, server, leave }))
      })
    }),
    ({ server }) => Effect.sync(() => server.close())
  )

/** Node removes the path that it has bound. */
const close = (server: Server, path: string | undefined): void => {
  if (path !== undefined) linkSync(path, `${path}.kept`)
  server.close()
  if (path !== undefined) renameSync(`${path}.kept`, path)
}

const folder = Site.make({})

/** Starts `pagi-server` as systemd does: with its own process number in the environment. */
const activate = (args: ReadonlyArray<string>, sockets: ReadonlyArray<Opened>, names: string) =>
  inheriting(
    sockets,
    Program.startOther(
      "/bin/sh",
      ["-c", 'LISTEN_PID=$$ exec "$0" "$@"', Program.pagiServer, "--no-access-log", ...args, app],
      {
        env: { LISTEN_FDS: String(sockets.length), LISTEN_FDNAMES: names },
        descriptors: sockets.map(({ descriptor }) => descriptor)
      }
    )
  )

const inheriting = <A, E, R>(sockets: ReadonlyArray<Opened>, start: Effect.Effect<A, E, R>) =>
  Effect.tap(start, () => Effect.forEach(sockets, ({ leave }) => leave))

describe("pagi-server with inherited sockets", () => {
  it.live(
    "listens on those of LISTEN_FDS that it is set up for, and lets no other program have them",
    () =>
      Effect.gen(function* () {
        const path = join(yield* folder, "app.sock")
        const tcp = yield* opened({ host: "127.0.0.1", port: 0 })
        const unix = yield* opened({ path })
        const sockets = [tcp, unix].map(({ descriptor }) => String(fstatSync(descriptor, { bigint: true }).ino))
        const listen = ["--listen", path, "--listen", `localhost:${tcp.port}`]
        const program = yield* activate(listen, [tcp, unix], "web:local")
        yield* program.line(new RegExp(`^listening on unix:${path}$`, "m"))
        yield* program.line(new RegExp(`^listening on http://127.0.0.1:${tcp.port}/$`, "m"))
        for (const where of [{ port: tcp.port }, { socketPath: path }]) {
          const text = yield* get(where)
          assert.include(text, "PATH=")
          assert.notMatch(text, /LISTEN_|PAGI_/)
          for (const inode of sockets) assert.notInclude(text, `socket:[${inode}]`)
        }
        yield* program.signal("SIGTERM")
        const { code, stderr } = yield* program.result
        assert.strictEqual(code, 0)
        assert.notInclude(stderr, "warning")
        assert.isTrue(lstatSync(path).isSocket())
      }),
    timeout
  )

  it.live(
    "answers an administrator at the one that the option admin names, with and without workers",
    () =>
      Effect.forEach(
        [
          ["0", "0660"],
          ["0", "0666"],
          ["1", "0660"],
          ["1", "0666"]
        ] as const,
        ([workers, mode]) =>
          Effect.gen(function* () {
            const path = join(yield* folder, "admin.sock")
            const [tcp, unix] = [yield* opened({ host: "127.0.0.1", port: 0 }), yield* opened({ path })]
            chmodSync(path, Number.parseInt(mode, 8))
            const flags = ["--port", String(tcp.port), "--workers", workers, "--control", `${path}.control`]
            const program = yield* activate([...flags, "--admin", path], [unix, tcp], "admin:web")
            yield* program.line(new RegExp(`^the admin listener is at unix:${path}$`, "m"))
            yield* Program.address(program)
            assert.include(yield* get({ port: tcp.port }), "PATH=")
            assert.strictEqual(yield* get({ socketPath: path }, "/livez"), "ok\n")
            // Two listeners with an address each can change places.
            const second = yield* opened({ host: "127.0.0.1", port: 0 })
            const other = yield* opened({ host: "127.0.0.1", port: 0 })
            const more = ["--port", String(second.port), "--workers", workers, "--control", `${path}.other`]
            const tcpOnly = yield* activate([...more, "--admin", `localhost:${other.port}`], [other, second], "a:b")
            yield* Program.address(tcpOnly)
            assert.strictEqual(yield* get({ port: other.port }, "/livez"), "ok\n")
            assert.include(yield* get({ port: second.port }), "PATH=")
            yield* program.signal("SIGTERM")
            const { code, stderr } = yield* program.result
            assert.strictEqual(code, 0)
            assert.deepStrictEqual(
              stderr.match(/^warning: .*$/gm) ?? [],
              mode === "0660"
                ? []
                : [
                    `warning: every user of this machine can open unix:${path} and read all that it tells` +
                      `${workers === "0" ? "" : ", and give commands"}: set SocketMode=0600 in the unit of the socket`
                  ]
            )
            assert.isTrue(lstatSync(path).isSocket())
          }).pipe(Effect.scoped),
        { concurrency: 2, discard: true }
      ),
    90_000
  )

  it.live(
    "closes the others, and says how to use them",
    () =>
      Effect.gen(function* () {
        const socket = yield* opened({ host: "127.0.0.1", port: 0 })
        const program = yield* activate(["--port", "0"], [socket], "web")
        const address = `127.0.0.1:${socket.port}`
        yield* program.line(
          new RegExp(
            String.raw`^warning: the inherited descriptor 3 \(web\) of LISTEN_FDS is closed, ` +
              `because the server is not set up to listen on ${address}; ` +
              String.raw`to use it, set the option listen \(--listen ${address}\)$`,
            "m"
          )
        )
        yield* Program.address(program)
      }),
    timeout
  )

  it.live(
    "warns of the PROXY protocol for everybody, in one process and with workers, also when it is quiet",
    () =>
      Effect.forEach(
        [[], ["--workers", "1"]],
        (workers) =>
          Effect.gen(function* () {
            const args = ["--quiet", "--port", "0", "--proxy-protocol", ...workers, app]
            const program = yield* Program.start(args)
            yield* program.line(/^warning: http:\/\/127\.0\.0\.1:\d+\/ believes .* set trustedProxies/m)
            yield* program.signal("SIGTERM")
            const { stderr } = yield* program.result
            assert.strictEqual(stderr.match(/^warning: /gm)?.length, 1, stderr)
          }),
        { discard: true }
      ),
    timeout
  )

  it.live(
    "takes a socket for all addresses of IPv6 for one that is set up for all of IPv4",
    () =>
      Effect.gen(function* () {
        const socket = yield* opened({ host: "::", port: 0 })
        const { port } = socket
        const program = yield* activate(["--listen", `0.0.0.0:${port}`], [socket], "")
        yield* program.line(new RegExp(String.raw`^listening on http://\[::\]:${port}/$`, "m"))
        assert.include(yield* get({ port }), "PATH=")
      }),
    timeout
  )

  it.live(
    "listens on those of PAGI_REUSE, and removes no Unix socket of another server",
    () =>
      Effect.gen(function* () {
        const path = join(yield* folder, "app.sock")
        const tcp = yield* opened({ host: "127.0.0.1", port: 0 })
        const unix = yield* opened({ path })
        // The name under which the other server was set up counts, whatever it stands for by now.
        const name = `pagi.invalid:${tcp.port}`
        const program = yield* inheriting(
          [tcp, unix],
          Program.start(["--no-access-log", "--listen", path, "--listen", name, app], {
            env: { PAGI_REUSE: `unix:${path}:4,${name}:3,nonsense,127.0.0.1:1:77`, PAGI_MASTER_PID: "x" },
            descriptors: [tcp.descriptor, unix.descriptor]
          })
        )
        yield* program.line(new RegExp(`^listening on http://127.0.0.1:${tcp.port}/$`, "m"))
        assert.notMatch(yield* get({ socketPath: path }), /LISTEN_|PAGI_/)
        yield* program.signal("SIGTERM")
        const { code, stderr } = yield* program.result
        assert.strictEqual(code, 0)
        assert.deepStrictEqual(stderr.match(/^warning: .*$/gm), [
          'warning: an entry of PAGI_REUSE is ignored: "nonsense" is not ADDRESS:DESCRIPTOR',
          'warning: PAGI_MASTER_PID is ignored: "x" is not the number of a process',
          "warning: the inherited descriptor 77 (127.0.0.1:1) of PAGI_REUSE is ignored: " +
            "it is not a listening socket of TCP or with a path"
        ])
        assert.isTrue(lstatSync(path).isSocket())
      }),
    timeout
  )

  it.live(
    "ignores descriptors that are no listening sockets",
    () =>
      Effect.gen(function* () {
        const program = yield* Program.startOther(
          "/bin/sh",
          ["-c", 'LISTEN_PID=$$ exec "$0" --port 0 3< /dev/null', Program.pagiServer],
          { env: { LISTEN_FDS: "1" } }
        )
        yield* program.line(
          /^warning: the inherited descriptor 3 of LISTEN_FDS is ignored: it is not a listening socket/m
        )
        yield* Program.address(program)
      }),
    timeout
  )
})

describe("pagi-server on Unix sockets and several listeners", () => {
  it.live(
    "removes its socket when it stops, and replaces that of one that was killed",
    () =>
      Effect.gen(function* () {
        const path = join(yield* folder, "app.sock")
        const start = Program.start(["--socket", path, "--socket-mode", "0600", app])
        const killed = yield* start
        yield* killed.line(/^listening on unix:/m)
        assert.strictEqual(lstatSync(path).mode & 0o777, 0o600)
        const second = yield* Program.run(["--socket", path, app])
        assert.deepStrictEqual(second, {
          code: 3,
          signal: null,
          stdout: "",
          stderr: `error: the Unix socket ${path} is already in use\n`
        })
        yield* killed.signal("SIGKILL")
        yield* killed.result
        assert.isTrue(existsSync(path))
        const third = yield* start
        yield* third.line(/^listening on unix:/m)
        assert.include(yield* get({ socketPath: path }), "PATH=")
        yield* third.signal("SIGTERM")
        assert.strictEqual((yield* third.result).code, 0)
        assert.isFalse(existsSync(path))
      }),
    timeout
  )
})

const socketActivate = findProgram("systemd-socket-activate")

describe.skipIf(socketActivate === undefined)("systemd-socket-activate", () => {
  /** Has it listen, and the first connection start the server. */
  const activated = (listen: string, args: ReadonlyArray<string>) =>
    Effect.tap(
      Program.startOther(socketActivate ?? "", ["-l", listen, Program.pagiServer, "--no-access-log", ...args, app]),
      (program) => program.line(/^Listening on .* as 3\.$/m)
    )

  const freePort = Effect.scoped(Effect.map(opened({ host: "127.0.0.1", port: 0 }), ({ port }) => port))

  it.live(
    "starts the server with a port",
    () =>
      Effect.gen(function* () {
        const port = yield* freePort
        const program = yield* activated(`127.0.0.1:${port}`, ["--port", String(port)])
        assert.notMatch(yield* get({ port }), /LISTEN_/)
        assert.notMatch(yield* get({ port }), /LISTEN_/)
        yield* program.signal("SIGTERM")
        const { code, stderr } = yield* program.result
        assert.strictEqual(code, 0)
        assert.notInclude(stderr, "warning")
      }),
    timeout
  )

  it.live(
    "starts the server with a Unix socket, which stays",
    () =>
      Effect.gen(function* () {
        const socketPath = join(yield* folder, "app.sock")
        const program = yield* activated(socketPath, ["--socket", socketPath])
        assert.notMatch(yield* get({ socketPath }), /LISTEN_/)
        yield* program.signal("SIGTERM")
        assert.strictEqual((yield* program.result).code, 0)
        assert.isTrue(lstatSync(socketPath).isSocket())
      }),
    timeout
  )
})

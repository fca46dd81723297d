import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as EffectScope from "effect/Scope"
import { chmodSync, existsSync, lchownSync, mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { connect, createServer, type Socket } from "node:net"
import { join } from "node:path"
import { fetchStatus, serve, StatusError } from "../../src/supervisor/ControlSocket.ts"
import type { ServerStatus } from "../../src/admin/ServerStatus.ts"
import { type Client, openUnix } from "../support/Client.ts"
import { temporaryFolder } from "../../../../test/support/TemporaryFolder.ts"
import { turns } from "../support/Until.ts"

const status: ServerStatus = {
  version: "0.1.0",
  node: "24.0.0",
  options: {},
  mode: "workers",
  pid: 17,
  phase: "serving",
  age: 1000,
  target: 1,
  isReloading: false,
  listeners: ["http://127.0.0.1:5000/"],
  workers: [
    {
      pid: null,
      workerNum: 1,
      phase: "booting",
      age: 10,
      requests: 0,
      connections: 0,
      lag: 0.5,
      memory: 0,
      lastHeartbeat: null
    }
  ]
}

const told = Effect.succeed(status)

/** A path in a folder that is not there yet. */
const freePath = Effect.map(temporaryFolder, (folder) => join(folder, "pagi", "17.sock"))

/** Serves something else than a status. */
const serveText = (path: string, text: string, ends = true) =>
  Effect.acquireRelease(
    Effect.callback<ReturnType<typeof createServer>>((resume) => {
      const server = createServer((socket) => {
        socket.on("error", () => {})
        socket.write(text)
        if (ends) socket.end()
      })
      server.listen({ path }, () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => server.close())
  )

/** A client that reads nothing. */
const openUnread = (path: string) =>
  Effect.acquireRelease(
    Effect.callback<Socket>((resume) => {
      const socket = connect({ path })
      socket.on("error", () => {})
      socket.on("connect", () => resume(Effect.succeed(socket)))
    }),
    (socket) => Effect.sync(() => socket.destroy())
  )

const received = (client: Client) => Effect.map(client.closed, () => client.text)

describe("the socket for the status", () => {
  it.live("tells it to everybody who connects, as it is then", () =>
    Effect.gen(function* () {
      const path = yield* freePath
      let age = 0
      yield* serve(
        path,
        Effect.sync(() => ({ ...status, age: ++age }))
      )
      assert.deepStrictEqual(yield* fetchStatus(path), { ...status, age: 1 })
      assert.deepStrictEqual(yield* fetchStatus(path), { ...status, age: 2 })
      const client = yield* openUnix(path)
      assert.strictEqual(yield* received(client), `${JSON.stringify({ ...status, age: 3 })}\n`)
    })
  )

  it.live("lets nobody in but its user", () =>
    Effect.gen(function* () {
      const path = yield* freePath
      yield* serve(path, told)
      assert.strictEqual(statSync(path).mode & 0o777, 0o600)
      assert.strictEqual(statSync(join(path, "..")).mode & 0o777, 0o700)
    })
  )

  it.live("takes no harm from what clients send or do not read", () =>
    Effect.gen(function* () {
      const path = yield* freePath
      const long = { ...status, listeners: ["x".repeat(1_000_000)] }
      let isLong = true
      yield* serve(
        path,
        Effect.sync(() => (isLong ? long : status))
      )
      yield* openUnread(path)
      isLong = false
      const noisy = yield* openUnix(path)
      noisy.send(Buffer.alloc(1_000_000, 0xff))
      yield* noisy.closed
      const hasty = yield* openUnix(path)
      hasty.socket.destroy()
      assert.deepStrictEqual(yield* fetchStatus(path), status)
    })
  )

  it.live("turns away clients beyond a number, until others have gone", () =>
    Effect.gen(function* () {
      const path = yield* freePath
      let isLong = true
      yield* serve(
        path,
        Effect.sync(() => (isLong ? { ...status, listeners: ["x".repeat(1_000_000)] } : status))
      )
      const clients = yield* Effect.forEach(Array.from({ length: 16 }), () => openUnread(path))
      const excess = yield* openUnix(path)
      yield* excess.closed
      assert.strictEqual(excess.text, "")
      isLong = false
      for (const socket of clients) socket.destroy()
      yield* turns(10)
      assert.deepStrictEqual(yield* fetchStatus(path), status)
    })
  )

  it.live("goes with the scope, and comes back where one was left behind", () =>
    Effect.gen(function* () {
      const path = yield* freePath
      yield* Effect.scoped(serve(path, told))
      assert.strictEqual((yield* Effect.flip(fetchStatus(path))).reason, "ENOENT")
      yield* serve(path, told)
      assert.deepStrictEqual(yield* fetchStatus(path), status)
      assert.strictEqual((yield* Effect.flip(serve(path, told))).code, "EADDRINUSE")
    })
  )

  it.live("takes the place of the predecessor's, which leaves it there, and of nobody else's", () =>
    Effect.gen(function* () {
      const path = yield* freePath
      const predecessor = yield* EffectScope.make()
      yield* EffectScope.provide(serve(path, told), predecessor)
      const successor = serve(path, Effect.succeed({ ...status, pid: 18 }), 17)
      assert.strictEqual((yield* Effect.flip(serve(path, told, 16))).code, "EADDRINUSE")
      yield* successor
      yield* EffectScope.close(predecessor, Exit.void)
      assert.strictEqual((yield* fetchStatus(path)).pid, 18)
    })
  )

  it.live("is not made where others could put another in its place, or something else is", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const open = join(folder, "open")
      mkdirSync(open)
      chmodSync(open, 0o777)
      const { code, message } = yield* Effect.flip(serve(join(open, "s"), told))
      assert.strictEqual(code, "UNSAFE_FOLDER")
      assert.strictEqual(
        message,
        `other users may change the folder of ${join(open, "s")}, and put another socket in its place`
      )
      symlinkSync(open, join(folder, "link"))
      assert.strictEqual((yield* Effect.flip(serve(join(folder, "link", "s"), told))).code, "UNSAFE_FOLDER")
      // As the folder for temporary files is: there nobody can rename what belongs to others.
      chmodSync(open, 0o1777)
      yield* serve(join(open, "s"), told)
      if (process.getuid?.() === 0) {
        // Who owns a link can have it lead somewhere else at any time.
        symlinkSync(yield* temporaryFolder, join(folder, "foreign"))
        lchownSync(join(folder, "foreign"), 12_345, 0)
        const foreign = serve(join(folder, "foreign", "s"), told)
        assert.strictEqual((yield* Effect.flip(foreign)).code, "UNSAFE_FOLDER")
      }
      const long = join(open, "missing", "x".repeat(200))
      assert.strictEqual((yield* Effect.flip(serve(long, told))).code, "ENAMETOOLONG")
      assert.isFalse(existsSync(join(open, "missing")))
      const file = join(folder, "file")
      writeFileSync(file, "text")
      assert.strictEqual((yield* Effect.flip(serve(file, told))).code, "EEXIST")
    })
  )
})

describe("asking for a status", () => {
  it.live("fails when the answer is none", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const answers = [
        "",
        "garbage",
        "null",
        "7",
        "[]",
        "{}",
        '{"pid":1}',
        JSON.stringify({ ...status, workers: [{}] })
      ]
      for (const [index, text] of answers.entries()) {
        const path = join(folder, `${index}`)
        yield* serveText(path, text)
        const error = yield* Effect.flip(fetchStatus(path))
        assert.instanceOf(error, StatusError)
        assert.strictEqual(error.message, `no status at ${path}: the answer is none of a server`)
      }
    })
  )

  it.live("fails when the answer does not end", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryFolder, "s")
      yield* serveText(path, "x".repeat(2_000_000), false)
      assert.strictEqual((yield* Effect.flip(fetchStatus(path))).reason, "the answer is too long")
    })
  )
})

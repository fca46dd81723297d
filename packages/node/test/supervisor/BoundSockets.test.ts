import { assert, describe, it } from "@effect/vitest"
import * as ServerOptions from "@pagi/core/ServerOptions"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as EffectScope from "effect/Scope"
import { closeSync, existsSync, fstatSync, openSync, renameSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { type Inheritance, none, take } from "../../src/listen/InheritedSockets.ts"
import { listenAll } from "../../src/listen/Listeners.ts"
import * as BoundSockets from "../../src/supervisor/BoundSockets.ts"
import type { FileOwner } from "../../src/listen/UnixSocket.ts"
import { open, openUnix } from "../support/Client.ts"
import { listenTcp } from "../support/Listen.ts"
import { temporaryFolder } from "../../../../test/support/TemporaryFolder.ts"

const bind = (input: ServerOptions.Input, inheritance: Inheritance = none, owner?: FileOwner) =>
  Effect.flatMap(ServerOptions.make(input), (options) => BoundSockets.bind(options, inheritance, owner))

const failure = (input: ServerOptions.Input) => Effect.flip(Effect.scoped(bind(input)))

const listenOptions = {
  backlog: 16,
  onAcceptError: () => {},
  onSocket: ({ socket }: { readonly socket: { end(text: string): void } }) => socket.end("here")
}

/** What a process finds that is given these sockets under the numbers that they have here. */
const inheritanceOf = (sockets: BoundSockets.BoundSockets, more: Record<string, string> = {}): Inheritance =>
  take(
    {
      PAGI_REUSE: sockets.reuse(sockets.descriptors),
      PAGI_REUSE_FILES: sockets.reuseFiles(sockets.descriptors),
      PAGI_REUSE_FOREIGN: sockets.reuseForeign(sockets.descriptors),
      ...more
    },
    process.pid
  )

/** A listening socket on a free port of its own. */
const usedPort = Effect.map(
  listenTcp({ ...listenOptions, host: "127.0.0.1", port: 0 }),
  ({ address }) => address[1] ?? 0
)

const isOpen = (descriptor: number | undefined): boolean => {
  try {
    return fstatSync(descriptor ?? -1).isSocket()
  } catch {
    return false
  }
}

describe("the socket of the admin listener", () => {
  const bindAdmin = (input: ServerOptions.Input, inheritance: Inheritance = none) =>
    Effect.flatMap(ServerOptions.make(input), (options) => BoundSockets.bindAdmin(options, inheritance))

  it.live("is bound where the option says, or taken over from a predecessor", () =>
    Effect.gen(function* () {
      assert.isUndefined(yield* bindAdmin({}))
      const input: ServerOptions.Input = { admin: "127.0.0.1:0", tls: { cert: "c", key: "k" } }
      const bound = (yield* bindAdmin(input)) ?? assert.fail()
      const [socket] = bound.sockets
      assert.match(socket.url, /^http:\/\/127\.0\.0\.1:\d+\/$/)
      const PAGI_REUSE_ADMIN = bound.reuse(bound.descriptors)
      const inheritance = take({ PAGI_REUSE_ADMIN }, process.pid)
      assert.deepStrictEqual(inheritance.sockets, [])
      const again = (yield* bindAdmin(input, inheritance)) ?? assert.fail()
      assert.deepStrictEqual(again.sockets[0].address, socket.address)
    })
  )

  it.live("is missed by the name of the option", () =>
    Effect.gen(function* () {
      const port = yield* usedPort
      const error = yield* Effect.flip(bindAdmin({ admin: `127.0.0.1:${port}` }))
      assert.strictEqual(error.message, `option admin: port ${port} on 127.0.0.1 is already in use`)
    })
  )
})

describe("bound sockets", () => {
  it.live.skipIf(process.getuid?.() !== 0)("are the user's that the server is to be, and removed all the same", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryFolder, "app.sock")
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* bind({ listen: [{ socket: path, socketMode: 0o660 }] }, none, { uid: 12_345, gid: 54_321 })
          const { gid, mode, uid } = statSync(path)
          assert.deepStrictEqual([uid, gid, mode & 0o777], [12_345, 54_321, 0o660])
        })
      )
      assert.isFalse(existsSync(path))
    })
  )

  it.live("are there for all endpoints, and nobody is accepted on them", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryFolder, "app.sock")
      const { descriptors, sockets } = yield* bind({
        listen: ["127.0.0.1:0", "[::1]:0", { socket: path, socketMode: 0o600 }, "localhost:0"]
      })
      const [four, six, unix, named] = sockets
      assert.strictEqual(four.url, `http://127.0.0.1:${four.address[1]}/`)
      assert.isAbove(four.address[1] ?? 0, 0)
      assert.strictEqual(six?.url, `http://[::1]:${six?.address[1]}/`)
      assert.deepStrictEqual(unix?.address, [path, null])
      assert.strictEqual(unix?.url, `unix:${path}`)
      assert.strictEqual(statSync(path).mode & 0o777, 0o600)
      assert.include(["127.0.0.1", "::1"], named?.address[0])
      assert.deepStrictEqual(
        descriptors,
        sockets.map(({ descriptor }) => descriptor ?? -1)
      )
      assert.isTrue(descriptors.every(isOpen))
      assert.strictEqual(yield* Effect.flip(open(four.address[1] ?? 0)), "ECONNREFUSED")
      assert.strictEqual(yield* Effect.flip(openUnix(path)), "ECONNREFUSED")
    })
  )

  it.live("say https where clients are to speak TLS", () =>
    Effect.gen(function* () {
      const { sockets } = yield* bind({ port: 0, tls: { cert: "c", key: "k" } })
      assert.match(sockets[0].url, /^https:/)
    })
  )

  it.live("are closed with their scope, and their paths removed", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryFolder, "app.sock")
      const scope = yield* EffectScope.make()
      const { descriptors } = yield* EffectScope.provide(bind({ listen: ["127.0.0.1:0", path] }), scope)
      yield* EffectScope.close(scope, Exit.void)
      assert.isFalse(existsSync(path))
      yield* Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))
      assert.isFalse(descriptors.some(isOpen))
    })
  )

  it.live("leave their paths to whoever uses them, and what is not theirs alone", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const [kept, replaced] = [join(folder, "kept.sock"), join(folder, "replaced.sock")]
      const scope = yield* EffectScope.make()
      const { close } = yield* EffectScope.provide(bind({ listen: [kept] }), scope)
      yield* close("keep")
      yield* EffectScope.close(scope, Exit.void)
      assert.isTrue(existsSync(kept))
      const others = yield* bind({ listen: [replaced] })
      renameSync(replaced, `${replaced}.old`)
      writeFileSync(replaced, "")
      yield* others.close("remove")
      assert.isTrue(existsSync(replaced))
    })
  )

  it.live("cannot be had where somebody listens, is not allowed to, or has no address", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const port = yield* usedPort
      const used = yield* failure({ listen: [join(folder, "a"), `127.0.0.1:${port}`] })
      assert.strictEqual(used.message, `port ${port} on 127.0.0.1 is already in use`)
      assert.isFalse(existsSync(join(folder, "a")))
      assert.strictEqual(
        (yield* failure({ port, host: "0.0.0.0" })).message,
        `port ${port} on 0.0.0.0 is already in use`
      )
      assert.strictEqual(
        (yield* failure({ host: "192.0.2.1", port: 0 })).message,
        "192.0.2.1 is not an address of this machine"
      )
      assert.strictEqual(
        (yield* failure({ host: "nowhere.invalid", port: 0 })).message,
        "the host name nowhere.invalid cannot be resolved"
      )
      writeFileSync(join(folder, "file"), "")
      assert.match((yield* failure({ socket: join(folder, "file") })).message, /something else than a Unix socket/)
      assert.match((yield* failure({ socket: join(folder, "no/app.sock") })).message, /does not exist/)
    })
  )

  it.live("cannot be had twice", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const { sockets } = yield* bind({ port: 0 })
      const port = sockets[0].address[1] ?? 0
      yield* Effect.scoped(bind({ port }))
      for (const listen of [
        [`127.0.0.1:${port}`, `localhost:${port}`, `127.0.0.1:${port}`],
        [`0.0.0.0:${port}`, `127.0.0.1:${port}`],
        [`127.0.0.1:${port}`, `[::]:${port}`]
      ]) {
        assert.match((yield* failure({ listen })).message, /is already in use$/)
      }
      const path = join(folder, "app.sock")
      assert.match((yield* failure({ listen: [path, `${folder}/./app.sock`] })).message, /is already in use$/)
      yield* Effect.scoped(bind({ listen: [`127.0.0.1:${port}`, `[::1]:${port}`] }))
    })
  )

  it.live("are listened on by whoever gets them, and outlast that", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryFolder, "app.sock")
      const options = yield* ServerOptions.make({ listen: ["127.0.0.1:0", path] })
      const bound = yield* BoundSockets.bind(options, none)
      const inheritance = yield* bound.surrender
      const endpoints = bound.sockets.map(({ endpoint }) => endpoint)
      const [first, ...others] = endpoints
      assert.isDefined(first)
      if (first === undefined) return
      const listeners = yield* listenAll([first, ...others], inheritance, listenOptions)
      assert.deepStrictEqual(listeners[0].address, bound.sockets[0].address)
      for (const client of [yield* open(listeners[0].address[1] ?? 0), yield* openUnix(path)]) {
        yield* client.ended
        assert.strictEqual(client.text, "here")
      }
    })
  )
})

describe("inherited sockets", () => {
  it.live("are taken for their endpoints, and passed on under the same names", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryFolder, "app,1.sock")
      const input = { listen: [path, "127.0.0.1:0"] }
      const before = yield* bind(input)
      const after = yield* bind(input, inheritanceOf(before))
      assert.deepStrictEqual(after.sockets, before.sockets)
      assert.strictEqual(after.reuse([7, 8]), before.reuse([7, 8]))
      assert.strictEqual(after.reuseFiles([7, 8]), before.reuseFiles([7, 8]))
      assert.match(before.reuseFiles([7, 8]), /^7=\d+:\d+:\d+$/)
      // Both have the same descriptors.
      yield* after.surrender
    })
  )

  it.live("are removed by the successor, when its predecessor has ended", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryFolder, "app.sock")
      const before = yield* bind({ socket: path })
      const removesWith = (more: Record<string, string>) =>
        Effect.gen(function* () {
          const after = yield* bind({ socket: path }, inheritanceOf(before, more))
          yield* after.surrender
          yield* after.close("remove")
          return !existsSync(path)
        })
      assert.isFalse(yield* removesWith({ PAGI_MASTER_PID: String(process.pid) }))
      assert.isFalse(yield* removesWith({ PAGI_REUSE_FILES: "" }))
      assert.isTrue(yield* removesWith({ PAGI_MASTER_PID: "999999999" }))
    })
  )

  it.live("that are for no endpoint are closed, and what is no listening socket left alone", () =>
    Effect.gen(function* () {
      const messages: Array<string> = []
      const logger = Logger.make(({ message }) => {
        messages.push(String(message))
      })
      const other = yield* bind({ port: 0 })
      const [descriptor] = (yield* other.surrender).sockets.map((socket) => socket.descriptor)
      const file = yield* Effect.acquireRelease(
        Effect.sync(() => openSync("/dev/null", "r")),
        (file) => Effect.sync(() => closeSync(file))
      )
      const PAGI_REUSE = `${other.reuse(other.descriptors)},unix:/run/file:${file}`
      yield* Effect.scoped(bind({ port: 0, host: "::1" }, take({ PAGI_REUSE }, process.pid))).pipe(
        Effect.provide(Logger.layer([logger]))
      )
      yield* Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))
      assert.isFalse(isOpen(descriptor))
      assert.isTrue(fstatSync(file).isCharacterDevice())
      assert.strictEqual(messages.length, 2)
      assert.match(messages[0] ?? "", /is closed, because the server is not set up to listen on 127\.0\.0\.1:\d+;/)
      assert.match(messages[1] ?? "", /is ignored: it is not a listening socket of TCP or with a path$/)
    })
  )
})

describe("the ports of workers that open sockets of their own", () => {
  it.live("are not bound, but looked at", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryFolder, "app.sock")
      const port = yield* Effect.scoped(usedPort)
      const { descriptors, reuse, sockets } = yield* bind({
        workers: 2,
        reuseport: true,
        listen: [`127.0.0.1:${port}`, path]
      })
      assert.deepStrictEqual([sockets[0].descriptor, sockets[0].address], [undefined, ["127.0.0.1", port]])
      assert.deepStrictEqual<ReadonlyArray<unknown>>(descriptors, [sockets[1]?.descriptor])
      assert.strictEqual(reuse([4]), `unix:${path}:4`)
      const used = yield* usedPort
      assert.strictEqual(
        (yield* failure({ workers: 2, reuseport: true, port: used })).message,
        `port ${used} on 127.0.0.1 is already in use`
      )
      yield* Effect.scoped(bind({ workers: 2, reuseport: true, port: used }, { ...none, masterPid: process.pid }))
      assert.strictEqual(
        (yield* failure({ workers: 2, reuseport: true, port: 0 })).message,
        "option reuseport: true is not allowed; expected no port 0 beside it: each worker would get a port of its own"
      )
    })
  )
})

import { assert, describe, it } from "@effect/vitest"
import { unix } from "@pagi/core/Endpoint"
import type { Address } from "@pagi/core/contract/Address"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as EffectScope from "effect/Scope"
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync
} from "node:fs"
import { type Server, createServer } from "node:net"
import { join } from "node:path"
import { ListenError } from "../../src/accept/ListenError.ts"
import { listen, type ListenOptions } from "../../src/listen/SocketListener.ts"
import * as UnixSocket from "../../src/listen/UnixSocket.ts"
import { openUnix } from "../support/Client.ts"
import { temporaryFolder } from "../../../../test/support/TemporaryFolder.ts"
import { until } from "../support/Until.ts"

const listenAt = (path: string, mode?: number, options: Partial<ListenOptions> = {}) =>
  listen(unix(path, mode), {
    backlog: 16,
    onAcceptError: () => {},
    onSocket: ({ socket }) => socket.destroy(),
    ...options
  })

const failureAt = (path: string) => Effect.flip(Effect.scoped(listenAt(path)))

const socketPath = Effect.map(temporaryFolder, (folder) => join(folder, "app.sock"))

const modeOf = (path: string): number => lstatSync(path).mode & 0o777

/** A socket that nobody listens on any more, as a server that was killed leaves it. */
const leaveStale = (path: string): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const server: Server = createServer().listen(path, () => {
      // Node removes the path that it has bound.
      linkSync(path, `${path}.kept`)
      server.close(() => {
        renameSync(`${path}.kept`, path)
        resume(Effect.void)
      })
    })
  })

describe("a Unix socket", () => {
  it.live("is listened on; its connections have its path, and their peers no address", () =>
    Effect.gen(function* () {
      const path = yield* socketPath
      const servers: Array<Address | undefined> = []
      const { address, url } = yield* listenAt(path, undefined, {
        onSocket: ({ socket }, server) => {
          servers.push(server)
          socket.end("hello")
        }
      })
      assert.deepStrictEqual(address, [path, null])
      assert.strictEqual(url, `unix:${path}`)
      const client = yield* openUnix(path)
      yield* client.ended
      assert.strictEqual(client.text, "hello")
      assert.deepStrictEqual(servers, [[path, null]])
    })
  )

  it.live("has the permissions that are asked for, or what the umask leaves", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* listenAt(join(folder, "asked"), 0o620)
      yield* listenAt(join(folder, "none"), 0)
      yield* listenAt(join(folder, "default"))
      assert.strictEqual(modeOf(join(folder, "asked")), 0o620)
      assert.strictEqual(modeOf(join(folder, "none")), 0)
      assert.strictEqual(modeOf(join(folder, "default")), 0o777 & ~process.umask())
    })
  )

  it.live("is the only thing that is left beside it, and nothing is when it closes", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* listenAt(join(folder, "app.sock"))
          assert.deepStrictEqual(readdirSync(folder), ["app.sock"])
        })
      )
      assert.deepStrictEqual(readdirSync(folder), [])
    })
  )

  it.live("replaces one that a server has left behind", () =>
    Effect.gen(function* () {
      const path = yield* socketPath
      yield* leaveStale(path)
      assert.strictEqual(yield* Effect.flip(openUnix(path)), "ECONNREFUSED")
      yield* listenAt(path)
      yield* openUnix(path)
      assert.deepStrictEqual(readdirSync(join(path, "..")), ["app.sock"])
    })
  )

  it.live("does not replace one that somebody listens on", () =>
    Effect.gen(function* () {
      const path = yield* socketPath
      yield* listenAt(path)
      const error = yield* failureAt(path)
      assert.instanceOf(error, ListenError)
      assert.strictEqual(error.code, "EADDRINUSE")
      assert.strictEqual(error.message, `the Unix socket ${path} is already in use`)
      yield* openUnix(path)
    })
  )

  it.live("does not replace anything else", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const paths = ["file", "folder", "link", "dangling"].map((name) => join(folder, name))
      const [file = "", directory = "", link = "", dangling = ""] = paths
      writeFileSync(file, "precious")
      mkdirSync(directory)
      yield* leaveStale(join(folder, "stale"))
      symlinkSync(join(folder, "stale"), link)
      symlinkSync(join(folder, "nothing"), dangling)
      for (const path of paths) {
        const error = yield* failureAt(path)
        assert.strictEqual(error.code, "EEXIST")
        assert.match(error.message, /is something else than a Unix socket; it is left alone/)
      }
      assert.strictEqual(readFileSync(file, "utf8"), "precious")
      assert.isTrue(lstatSync(link).isSymbolicLink())
      assert.isTrue(lstatSync(dangling).isSymbolicLink())
      assert.deepStrictEqual(readdirSync(folder).toSorted(), ["dangling", "file", "folder", "link", "stale"])
    })
  )

  it.live("has one winner when several want the same path", () =>
    Effect.gen(function* () {
      const path = yield* socketPath
      yield* leaveStale(path)
      const exits = yield* Effect.forEach(Array.from({ length: 8 }), () => Effect.exit(listenAt(path)), {
        concurrency: "unbounded"
      })
      assert.strictEqual(exits.filter(({ _tag }) => _tag === "Success").length, 1)
      yield* openUnix(path)
      assert.deepStrictEqual(readdirSync(join(path, "..")), ["app.sock"])
    })
  )

  it.live("is removed with its scope, but nothing is that has taken its place", () =>
    Effect.gen(function* () {
      const path = yield* socketPath
      const replacements: ReadonlyArray<Effect.Effect<unknown, unknown, EffectScope.Scope>> = [
        listenAt(path),
        Effect.sync(() => writeFileSync(path, "precious"))
      ]
      for (const replacement of replacements) {
        const scope = yield* EffectScope.make()
        yield* EffectScope.provide(listenAt(path), scope)
        unlinkSync(path)
        yield* replacement
        const { ino } = lstatSync(path)
        yield* EffectScope.close(scope, Exit.void)
        assert.strictEqual(lstatSync(path).ino, ino)
        unlinkSync(path)
      }
    })
  )

  it.live("says what is wrong with its path", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const messageAt = (path: string) => Effect.map(failureAt(path), ({ message }) => message)
      const long = join(folder, "a".repeat(108 - folder.length))
      assert.strictEqual(
        yield* messageAt(long),
        `the path ${long} is too long for a Unix socket: use a shorter one, such as /run/app.sock`
      )
      const missing = join(folder, "missing/app.sock")
      assert.strictEqual(yield* messageAt(missing), `the folder of the Unix socket ${missing} does not exist`)
      writeFileSync(join(folder, "file"), "")
      assert.match(yield* messageAt(join(folder, "file/app.sock")), /^the folder of the Unix socket .* does not exist$/)
      yield* listenAt(join(folder, "a".repeat(106 - folder.length)))
    })
  )

  it.live.skipIf(process.getuid?.() === 0)("says that it may not be there", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      chmodSync(folder, 0o500)
      const error = yield* failureAt(join(folder, "app.sock"))
      assert.match(error.message, /needs more privileges than this process has$/)
    })
  )

  it.live("refuses connections when it stops accepting, and leaves open ones alone", () =>
    Effect.gen(function* () {
      const path = yield* socketPath
      const ends: Array<() => void> = []
      const { stopAccepting } = yield* listenAt(path, undefined, {
        onSocket: ({ socket }) => ends.push(() => socket.end("still here"))
      })
      const client = yield* openUnix(path)
      yield* until("the connection is accepted", () => ends.length === 1)
      yield* stopAccepting
      yield* stopAccepting
      assert.strictEqual(yield* Effect.flip(openUnix(path)), "ENOENT")
      ends[0]?.()
      yield* client.ended
      assert.strictEqual(client.text, "still here")
    })
  )

  it.live.skipIf(process.platform !== "linux")("gives nothing away that was put in the socket's place", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const [precious, link] = [join(folder, "precious"), join(folder, "s")]
      writeFileSync(precious, "text", { mode: 0o600 })
      symlinkSync(precious, link)
      const before = statSync(precious)
      for (const bound of [link, precious]) {
        const publish = () => UnixSocket.publish(bound, unix(join(folder, "app.sock"), 0o666), { uid: 12_345, gid: 1 })
        assert.throws(publish, "another file is in the socket's place")
      }
      const { gid, mode, uid } = statSync(precious)
      assert.deepStrictEqual([uid, gid, mode], [before.uid, before.gid, before.mode])
      assert.isFalse(existsSync(join(folder, "app.sock")))
    })
  )
})

import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { type ChildProcess, spawn } from "node:child_process"
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { dirname, join } from "node:path"
import { holds } from "../../src/service/FileHolder.ts"
import * as PidFile from "../../src/service/PidFile.ts"
import * as Site from "../support/Site.ts"

const folder = Site.make({})

const messageOf = <A, E extends Error, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(effect), ({ message }) => message)

/** Another process, which holds a file open; it ends with the scope. */
const holder = (path: string) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly child: ChildProcess; readonly pid: number }>((resume) => {
      const descriptor = openSync(path, "a")
      const child = spawn("sleep", ["60"], { stdio: ["ignore", "ignore", "ignore", descriptor] })
      closeSync(descriptor)
      child.once("spawn", () => resume(Effect.succeed({ child, pid: child.pid ?? assert.fail() })))
    }),
    ({ child }) => Effect.sync(() => child.kill("SIGKILL"))
  ).pipe(Effect.map(({ pid }) => pid))

/** A number that no process has, since the system's numbers are smaller. */
const nobody = 2 ** 31 - 2

describe("PidFile", () => {
  it.effect("names the process while the scope is open, and nothing else is left", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const path = join(cwd, "server.pid")
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* PidFile.write(path)
          assert.strictEqual(readFileSync(path, "utf8"), `${process.pid}\n`)
          assert.strictEqual(statSync(path).mode & 0o777, 0o644)
          assert.deepStrictEqual(readdirSync(cwd), ["server.pid"])
        })
      )
      assert.isFalse(existsSync(path))
    })
  )

  it.effect("is another's when it names another process by then", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "server.pid")
      yield* Effect.scoped(
        Effect.andThen(
          PidFile.write(path),
          Effect.sync(() => writeFileSync(path, "1\n"))
        )
      )
      assert.strictEqual(readFileSync(path, "utf8"), "1\n")
    })
  )

  it.effect("is another's while that holds it open", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "server.pid")
      const pid = yield* holder(path)
      writeFileSync(path, `${pid}\n`)
      assert.strictEqual(
        yield* messageOf(PidFile.check(path)),
        `the pid file ${path} is that of a server that runs, process ${pid}; stop it first, or name another file`
      )
      yield* PidFile.check(path, pid)
    })
  )

  it.effect("is one server's when several begin at the same time", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "server.pid")
      yield* PidFile.check(path)
      const pid = yield* holder(path)
      writeFileSync(path, `${pid}\n`)
      assert.include(yield* messageOf(PidFile.write(path)), `a server that runs, process ${pid};`)
      assert.strictEqual(readFileSync(path, "utf8"), `${pid}\n`)
      assert.deepStrictEqual(readdirSync(dirname(path)), ["server.pid"])
      yield* PidFile.write(path, pid)
      assert.strictEqual(readFileSync(path, "utf8"), `${process.pid}\n`)
    })
  )

  it.effect("is nobody's when it names a program that does not hold it", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const path = join(cwd, "server.pid")
      for (const pid of [process.ppid, yield* holder(join(cwd, "other.pid"))]) {
        writeFileSync(path, `${pid}\n`)
        yield* PidFile.check(path)
        yield* Effect.scoped(PidFile.write(path))
      }
      assert.deepStrictEqual(readdirSync(cwd), ["other.pid"])
    })
  )

  it.effect("is held open while the scope is, and no descriptor is left after that", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const path = join(cwd, "server.pid")
      const held = () =>
        readdirSync("/proc/self/fd").filter((descriptor) => {
          try {
            return readlinkSync(join("/proc/self/fd", descriptor)).startsWith(cwd)
          } catch {
            return false // That of the folder itself.
          }
        })
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* PidFile.write(path)
          assert.lengthOf(held(), 1)
          assert.isTrue(holds(process.pid, path, statSync(path, { bigint: true })))
          yield* PidFile.write(path)
          assert.isTrue(holds(process.pid, path, statSync(path, { bigint: true })))
        })
      )
      writeFileSync(path, `${yield* holder(path)}\n`)
      yield* Effect.ignore(PidFile.write(path))
      assert.deepStrictEqual(held(), [])
    })
  )

  it.effect("is left alone when it is another file by then, though it names the same number", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const path = join(cwd, "server.pid")
      yield* Effect.scoped(
        Effect.andThen(
          PidFile.write(path),
          Effect.sync(() => {
            writeFileSync(join(cwd, "other"), `${process.pid}\n`)
            renameSync(join(cwd, "other"), path)
          })
        )
      )
      assert.isTrue(existsSync(path))
    })
  )

  it.effect("may be left over from a process that has ended, or hold anything else", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "server.pid")
      yield* PidFile.check(path)
      for (const text of [`${nobody}\n`, `${process.pid}`, "", "0\n", "-1\n", "server\n", "99999999999999999999"]) {
        writeFileSync(path, text)
        yield* PidFile.check(path)
      }
    })
  )

  it.effect("replaces a link instead of writing through it", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const [path, other] = [join(cwd, "server.pid"), join(cwd, "other")]
      writeFileSync(other, "precious")
      for (const link of [path, `${path}.${process.pid}`]) symlinkSync(other, link)
      yield* PidFile.write(path)
      assert.strictEqual(readFileSync(path, "utf8"), `${process.pid}\n`)
      assert.strictEqual(readFileSync(other, "utf8"), "precious")
    })
  )

  it.effect("says what is wrong with the path", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const missing = join(cwd, "missing/server.pid")
      assert.strictEqual(
        yield* messageOf(PidFile.write(missing)),
        `the folder of the pid file ${missing} does not exist`
      )
      mkdirSync(join(cwd, "server.pid"))
      assert.match(
        yield* messageOf(PidFile.write(join(cwd, "server.pid"))),
        /^the pid file .* cannot be written: E[A-Z]+$/
      )
      assert.deepStrictEqual(readdirSync(cwd), ["server.pid"])
    })
  )
})

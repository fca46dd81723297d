import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import * as PidFile from "../src/PidFile.ts"
import * as Site from "./support/Site.ts"

const folder = Site.make({})

const messageOf = <A, E extends Error, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(effect), ({ message }) => message)

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

  it.effect("is refused while the process that it names runs", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "server.pid")
      writeFileSync(path, `${process.ppid}\n`)
      assert.strictEqual(
        yield* messageOf(PidFile.check(path)),
        `the pid file ${path} names process ${process.ppid}, which runs; stop it first, ` +
          "or remove the file if it is another program"
      )
      yield* PidFile.check(path, process.ppid)
    })
  )

  it.effect("is one server's when several begin at the same time", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "server.pid")
      yield* PidFile.check(path)
      writeFileSync(path, `${process.ppid}\n`)
      assert.include(yield* messageOf(PidFile.write(path)), `names process ${process.ppid}, which runs`)
      assert.strictEqual(readFileSync(path, "utf8"), `${process.ppid}\n`)
      assert.deepStrictEqual(readdirSync(dirname(path)), ["server.pid"])
      yield* PidFile.write(path, process.ppid)
      assert.strictEqual(readFileSync(path, "utf8"), `${process.pid}\n`)
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

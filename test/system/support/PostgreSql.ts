/** A PostgreSQL of a test's own, with nothing in it. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { chownSync, globSync, mkdirSync } from "node:fs"
import { dirname, join } from "node:path"
import { findProgram, tellMissing } from "../../support/FindProgram.ts"
import { freePort } from "../../support/Ports.ts"
import { temporaryFolder } from "../../support/TemporaryFolder.ts"
import { run, start } from "./Programs.ts"
import { until } from "./Until.ts"

/** Debian has them where no PATH leads. */
const folder = globSync("/usr/lib/postgresql/*/bin/postgres")
  .map((path) => dirname(path))
  .toSorted()
  .at(-1)

if (folder === undefined) tellMissing("postgresql")

/** PostgreSQL does not run as root; Debian makes this user. */
const isRoot = process.geteuid?.() === 0
const setpriv = isRoot ? findProgram("setpriv") : undefined

export const hasPostgreSql = folder !== undefined && (!isRoot || setpriv !== undefined)

const asUser = (program: string, args: ReadonlyArray<string>): readonly [string, ReadonlyArray<string>] => {
  const path = join(folder ?? "", program)
  return setpriv === undefined
    ? [path, args]
    : [setpriv, ["--reuid=postgres", "--regid=postgres", "--clear-groups", path, ...args]]
}

const idOf = (flag: "-u" | "-g") =>
  Effect.map(run("id", [flag, "postgres"]), ({ output }) => Number(/\d+/.exec(output)?.[0]))

/** Starts it, and yields its URL; it ends with the scope. */
export const postgreSql: Effect.Effect<string, never, Scope.Scope> = Effect.gen(function* () {
  const base = yield* temporaryFolder
  const data = join(base, "data")
  mkdirSync(data)
  if (isRoot) {
    const [user, group] = [yield* idOf("-u"), yield* idOf("-g")]
    for (const path of [base, data]) chownSync(path, user, group)
  }
  const made = yield* run(...asUser("initdb", ["-D", data, "-A", "trust", "-U", "pagi", "-E", "UTF8", "--no-sync"]))
  assert.strictEqual(made.code, 0, made.output)
  const port = yield* freePort
  const options = ["-D", data, "-k", base, "-h", "127.0.0.1", "-p", `${port}`, "-c", "fsync=off"]
  const program = yield* start(...asUser("postgres", options))
  yield* until(
    "PostgreSQL is ready",
    Effect.sync(() => program.output().includes("ready to accept connections"))
  )
  return `postgres://pagi@127.0.0.1:${port}/postgres`
})

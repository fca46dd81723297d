import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs"
import { availableParallelism } from "node:os"
import { join } from "node:path"
import { isMeasurable } from "./support/Memory.ts"
import { pagiServer } from "./support/Programs.ts"
import { application, expectQuiet, familyOf, running, start, startedBy, stop } from "./support/SupervisorPool.ts"
import { until } from "./support/Until.ts"

/** The shell moves itself to the group, and then becomes the server. */
const inGroup = 'echo $$ > "$0/cgroup.procs" && exec "$@"'

/** A control group that gives its processes so much time of a processor; nothing where there may be none. */
const groupWith = (processors: number): string | undefined => {
  const name = `pagi-test-${process.pid}`
  const quota = String(processors * 100_000)
  const versions = [
    { folder: join("/sys/fs/cgroup", name), file: "cpu.max", text: `${quota} 100000` },
    { folder: join("/sys/fs/cgroup/cpu", name), file: "cpu.cfs_quota_us", text: quota },
    { folder: join("/sys/fs/cgroup/cpu,cpuacct", name), file: "cpu.cfs_quota_us", text: quota }
  ]
  for (const { file, folder, text } of versions) {
    try {
      mkdirSync(folder)
      if (existsSync(join(folder, file))) {
        writeFileSync(join(folder, file), text)
        return folder
      }
      rmdirSync(folder)
    } catch {
      // Another version, or not ours.
    }
  }
  return undefined
}

const isRemoved = (folder: string): boolean => {
  try {
    rmdirSync(folder)
  } catch {
    // Somebody is in it.
  }
  return !existsSync(folder)
}

const group = (processors: number): Effect.Effect<string | undefined, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => groupWith(processors)),
    // A process that nobody can see any more leaves its group a moment later.
    (folder) =>
      folder === undefined
        ? Effect.void
        : until(
            "the group is empty",
            Effect.sync(() => isRemoved(folder))
          )
  )

const machine = availableParallelism()

describe.skipIf(!isMeasurable)("--workers auto", () => {
  it.live("starts one for each processor, and no more than a control group gives, also for --max-workers auto", () =>
    Effect.gen(function* () {
      const folder = yield* group(1)
      if (folder === undefined) return console.warn("NOT TESTED on this machine: nobody may make control groups")
      const given = ["--port=0", "--access-log=off"]
      const everywhere = yield* running(yield* start(pagiServer, [...given, "--workers=auto", application]), machine)
      assert.lengthOf(familyOf(everywhere).workers, machine)
      const limited = ["-c", inGroup, folder, pagiServer, ...given]
      const one = yield* running(yield* start("sh", [...limited, "--workers=auto", application]), 1)
      assert.include(one.output(), "starting 1 worker\n")
      assert.lengthOf(familyOf(one).workers, 1)
      const bounded = yield* running(
        yield* start("sh", [...limited, "--workers=1", "--max-workers=auto", application]),
        1
      )
      for (const pool of [everywhere, one, bounded]) {
        yield* stop(pool)
        expectQuiet(pool)
      }
      assert.lengthOf(startedBy(one), 1)
    })
  )
})

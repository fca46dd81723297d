import { assert, describe, it } from "@effect/vitest"
import { availableParallelism } from "node:os"
import { available } from "../../src/process/Processors.ts"

/** A machine with these files, on which the runtime says 64. */
const on = (files: Readonly<Record<string, string>>): number =>
  available({ read: (path) => files[path], processors: () => 64 })

const allowed = (list: string) => ({
  "/proc/self/status": `Name:\tnode\nCpus_allowed_list:\t${list}\nMems_allowed:\t1`
})

const eight = allowed("0-7")

const second = (path: string) => ({ ...eight, "/proc/self/cgroup": `0::${path}` })

const first = (path: string) => ({ ...eight, "/proc/self/cgroup": `12:pids:${path}\n4:cpu,cpuacct:${path}\n0::/` })

describe("the processors that may be used", () => {
  it("are those of the machine where nothing limits them", () => {
    assert.strictEqual(on({}), 64)
    // The runtime may round a quota down.
    assert.include([availableParallelism(), availableParallelism() + 1], available())
  })

  it("are those that the process may run on", () => {
    assert.strictEqual(on(eight), 8)
    assert.strictEqual(on(allowed("3")), 1)
    assert.strictEqual(on(allowed("0-1,4,6-7")), 5)
    for (const broken of ["x", "1-", "5-2", "1,,2"]) assert.strictEqual(on(allowed(broken)), 64, broken)
  })

  it("are what a quota of version 2 gives, rounded up, in the group or in one around it", () => {
    const quota = (text: string) => ({ ...second("/"), "/sys/fs/cgroup/cpu.max": text })
    assert.strictEqual(on(quota("150000 100000")), 2)
    assert.strictEqual(on(quota("200000 100000")), 2)
    assert.strictEqual(on(quota("1000 100000")), 1)
    assert.strictEqual(on(quota("6400000 100000")), 8)
    for (const none of ["max 100000", "", "0 100000", "100 0", "-1 100000", "nonsense"])
      assert.strictEqual(on(quota(none)), 8, none)
    const nested = {
      ...second("/a/b"),
      "/sys/fs/cgroup/a/b/cpu.max": "max 100000",
      "/sys/fs/cgroup/a/cpu.max": "300000 100000",
      "/sys/fs/cgroup/cpu.max": "500000 100000"
    }
    assert.strictEqual(on(nested), 3)
  })

  it("are what a quota of version 1 gives, also where the path is that of the machine outside", () => {
    const quota = (folder: string, time: string) => ({
      [`${folder}/cpu.cfs_quota_us`]: time,
      [`${folder}/cpu.cfs_period_us`]: "100000"
    })
    assert.strictEqual(on({ ...first("/a"), ...quota("/sys/fs/cgroup/cpu,cpuacct/a", "250000") }), 3)
    assert.strictEqual(on({ ...first("/docker/1f"), ...quota("/sys/fs/cgroup/cpu", "120000") }), 2)
    assert.strictEqual(on({ ...first("/a"), ...quota("/sys/fs/cgroup/cpu,cpuacct/a", "-1") }), 8)
    assert.strictEqual(on({ ...first("/a"), "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "120000" }), 8)
  })
})

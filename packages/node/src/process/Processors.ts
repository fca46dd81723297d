/** How many processors this process may use: those that it may run on, and what its control groups give it of them. */
import { readFileSync } from "node:fs"
import { availableParallelism } from "node:os"

/** Where it is looked; tests have other machines. */
export interface Machine {
  /** What is in a file, without blanks around it; nothing if it cannot be read. */
  readonly read: (path: string) => string | undefined
  /** What the runtime says. */
  readonly processors: () => number
}

const thisMachine: Machine = {
  read: (path) => {
    try {
      return readFileSync(path, "utf8").trim()
    } catch {
      return undefined
    }
  },
  processors: availableParallelism
}

const groups = "/sys/fs/cgroup"

/** Folders of version 1 in which the controller of processor time may be. */
const controllers = ["cpu,cpuacct", "cpu", "cpuacct,cpu"]

/**
 * At least 1. Where a quota gives a part of a processor besides, it counts as a whole one: that part is to be used too.
 * What cannot be read limits nothing.
 */
export const available = (machine: Machine = thisMachine): number =>
  Math.max(1, Math.ceil(Math.min(allowed(machine), quota(machine))))

/**
 * Those that the system lets it run on, by its affinity and its cpuset. The runtime's number is not taken where there is
 * this one: it may have been rounded down by a quota.
 */
const allowed = ({ processors, read }: Machine): number => {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(read("/proc/self/status") ?? "")?.[1]
  return (list === undefined ? undefined : countOf(list)) ?? processors()
}

/** Of a list such as `0-3,8`. */
const countOf = (list: string): number | undefined => {
  let count = 0
  for (const range of list.split(",")) {
    const [, first = "", last = first] = /^(\d+)(?:-(\d+))?$/.exec(range) ?? []
    if (first === "" || Number(last) < Number(first)) return undefined
    count += Number(last) - Number(first) + 1
  }
  return count
}

/** The least that any of its control groups leaves it; in processors, which need not be whole. */
const quota = ({ read }: Machine): number => {
  let least = Number.POSITIVE_INFINITY
  for (const line of (read("/proc/self/cgroup") ?? "").split("\n")) {
    const [, names = "", path = ""] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? []
    if (path === "") continue
    for (const folder of foldersOf(path)) {
      if (names === "") least = Math.min(least, quotaOf(read(`${groups}${folder}/cpu.max`)))
      else if (names.split(",").includes("cpu")) least = Math.min(least, oldQuota(read, folder))
    }
  }
  return least
}

/**
 * A group and all around it. In a container the path may be that of the machine outside, and only the last of these is
 * there: the container's own group.
 */
const foldersOf = (path: string): ReadonlyArray<string> => {
  const names = path.split("/").filter((name) => name !== "" && name !== "..")
  return names.map((_, index) => `/${names.slice(0, names.length - index).join("/")}`).concat("")
}

/** Version 1: microseconds in two files, -1 for none. */
const oldQuota = (read: Machine["read"], folder: string): number => {
  for (const controller of controllers) {
    const base = `${groups}/${controller}${folder}`
    const time = read(`${base}/cpu.cfs_quota_us`)
    if (time !== undefined) return quotaOf(`${time} ${read(`${base}/cpu.cfs_period_us`) ?? ""}`)
  }
  return Number.POSITIVE_INFINITY
}

/** Version 2: microseconds, or `max`, of a period. */
const quotaOf = (text: string | undefined): number => {
  const [, time = "", period = ""] = /^(\d+) (\d+)$/.exec(text ?? "") ?? []
  const processors = Number(time) / Number(period)
  return processors > 0 && Number.isFinite(processors) ? processors : Number.POSITIVE_INFINITY
}

import { type ChildProcess, spawn, type SpawnOptions, spawnSync, type StdioOptions } from "node:child_process"
import { once } from "node:events"

export const serverCore = 0
export const loadCore = 1

const living = new Set<ChildProcess>()

/** What this process does itself, such as asking whether a server accepts, does not disturb the server. */
export const leaveServerCore = (): void => {
  spawnSync("taskset", ["--all-tasks", "--cpu-list", "--pid", String(loadCore), String(process.pid)])
}

export const spawnPinned = (
  core: number,
  command: ReadonlyArray<string>,
  stdio: StdioOptions,
  options: Pick<SpawnOptions, "cwd" | "env"> = {}
): ChildProcess => {
  const child = spawn("taskset", ["-c", String(core), ...command], { ...options, stdio })
  living.add(child)
  child.once("exit", () => living.delete(child))
  return child
}

export const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null

/** Resolves to undefined when the time runs out first; the timer never keeps the process alive on its own. */
export const within = async <Value>(milliseconds: number, work: Promise<Value>): Promise<Value | undefined> => {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  const timer = setTimeout(resolve, milliseconds, undefined)
  try {
    return await Promise.race([work, promise])
  } finally {
    clearTimeout(timer)
  }
}

/** Asks first, so that buffered logs are written, and insists after two seconds. */
export const endChild = async (child: ChildProcess): Promise<void> => {
  if (hasEnded(child)) return
  const exited = once(child, "exit")
  child.kill("SIGTERM")
  await within(2000, exited)
  if (hasEnded(child)) return
  child.kill("SIGKILL")
  await exited
}

/** However this process ends, short of SIGKILL (where the kernel ends servers), no child outlives it. */
export const endChildrenOnExit = (): void => {
  process.on("exit", () => {
    for (const child of living) child.kill("SIGKILL")
  })
  process.on("SIGINT", () => process.exit(130))
  process.on("SIGTERM", () => process.exit(143))
  process.on("SIGHUP", () => process.exit(129))
}

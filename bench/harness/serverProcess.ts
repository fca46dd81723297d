import type { ChildProcess } from "node:child_process"
import { once } from "node:events"
import { connect } from "node:net"
import { dirname } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { candidateOf, type CandidateName } from "../candidates.ts"
import { endChild, hasEnded, serverCore, spawnPinned, within } from "./children.ts"
import { freePort } from "./freePort.ts"
import { installationFolder } from "./installations.ts"
import { BenchmarkProblem } from "./problem.ts"
import { commandFor } from "./programs.ts"
import type { Memory, RunningServer, StartOptions } from "./runningServer.ts"
import { usageOf } from "./usage.ts"

const startLimitMilliseconds = 10_000
const memoryLimitMilliseconds = 20_000
const pollMilliseconds = 1

const accepts = async (port: number): Promise<boolean> => {
  const socket = connect({ port, host: "127.0.0.1" })
  try {
    await once(socket, "connect")
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

const waitUntilAccepting = async (name: CandidateName, child: ChildProcess, port: number): Promise<void> => {
  const limit = performance.now() + startLimitMilliseconds
  while (!(await accepts(port))) {
    if (hasEnded(child))
      throw new BenchmarkProblem(`${name} ended with ${child.signalCode ?? `code ${child.exitCode}`}`)
    if (performance.now() > limit) {
      await endChild(child)
      throw new BenchmarkProblem(`${name} accepts nothing within ${startLimitMilliseconds / 1000} s`)
    }
    await sleep(pollMilliseconds)
  }
}

/** Answered by `servers/probe.ts`. */
const askMemory = async (name: CandidateName, child: ChildProcess): Promise<Memory> => {
  const answer = within(memoryLimitMilliseconds, once(child, "message"))
  // A child that has ended does not answer; the callback keeps `send` from throwing.
  child.send("memory", () => undefined)
  const messages = (await answer) as [Memory] | undefined
  if (messages === undefined) throw new BenchmarkProblem(`${name} does not tell its memory`)
  return messages[0]
}

/**
 * Starts a server on its core without waiting for it. The kernel ends it should the benchmark die. The command is a
 * script that finds Node by the path.
 */
export const spawnServer = (name: CandidateName, port: number, options: StartOptions): ChildProcess => {
  const command = ["setpriv", "--pdeathsig", "KILL", ...commandFor(name, port, options)]
  const path = `${dirname(process.execPath)}:${process.env["PATH"] ?? ""}`
  const channel = options.measuresMemory === true ? "ipc" : "ignore"
  return spawnPinned(serverCore, command, ["ignore", "ignore", "inherit", channel], {
    cwd: installationFolder(candidateOf(name).installation),
    env: { ...process.env, PATH: path, NODE_ENV: "production" }
  })
}

const startServer = async (name: CandidateName, options: StartOptions): Promise<RunningServer> => {
  const port = await freePort()
  const child = spawnServer(name, port, options)
  await waitUntilAccepting(name, child, port)
  return {
    port,
    usage: () => usageOf(child.pid),
    memory: () => askMemory(name, child),
    stop: () => endChild(child)
  }
}

export const withServer = async <Value>(
  name: CandidateName,
  options: StartOptions,
  use: (server: RunningServer) => Promise<Value>
): Promise<Value> => {
  const server = await startServer(name, options)
  try {
    return await use(server)
  } finally {
    await server.stop()
  }
}

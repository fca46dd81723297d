import type { ChildProcess } from "node:child_process"
import { createServer } from "node:net"
import { candidateOf, type CandidateName } from "../candidates.ts"
import { bundlePath } from "./bundles.ts"
import { endChild, hasEnded, serverCore, spawnPinned, within } from "./children.ts"
import { BenchmarkProblem } from "./problem.ts"
import type { OwnScheduling } from "./scheduling.ts"

export interface Usage extends OwnScheduling {
  readonly residentBytes: number
  readonly peakResidentBytes: number
  /** JavaScript objects and the buffers that they own; `external` already counts array buffers. */
  readonly heapAndExternalBytes: number
}

export interface RunningServer {
  readonly port: number
  readonly usage: () => Promise<Usage>
  readonly stop: () => Promise<void>
}

export interface StartOptions {
  readonly accessLogPath?: string
  /**
   * Makes memory tell what connections hold: garbage can be collected, and V8's space for new objects, which grows with
   * the load and then keeps its size, stays at 1 MiB.
   */
  readonly measuresMemory?: boolean
}

const startLimitMilliseconds = 10_000
const usageLimitMilliseconds = 20_000

const freePort = async (): Promise<number> => {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve))
  const address = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  if (address === null || typeof address === "string") throw new BenchmarkProblem("no free port on 127.0.0.1")
  return address.port
}

type MessageKind = "ready" | "usage"

const isMessageOf = (kind: MessageKind, message: unknown): boolean =>
  typeof message === "object" && message !== null && "kind" in message && message.kind === kind

const nextMessage = (child: ChildProcess, kind: MessageKind): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const onEnd = (): void => reject(new BenchmarkProblem(`ended with ${child.signalCode ?? `code ${child.exitCode}`}`))
    if (hasEnded(child)) return onEnd()
    const onMessage = (message: unknown): void => {
      if (!isMessageOf(kind, message)) return
      child.off("message", onMessage).off("exit", onEnd)
      resolve(message)
    }
    child.on("message", onMessage).once("exit", onEnd)
  })

const expectMessage = async (name: string, child: ChildProcess, kind: MessageKind, limit: number) => {
  const message = await within(limit, nextMessage(child, kind)).catch((error: unknown) => {
    throw new BenchmarkProblem(`server ${name} ${error instanceof Error ? error.message : String(error)}`)
  })
  if (message === undefined) {
    await endChild(child)
    throw new BenchmarkProblem(`server ${name} did not report "${kind}" within ${limit / 1000} s`)
  }
  return message
}

const commandFor = (name: CandidateName, port: number, options: StartOptions): ReadonlyArray<string> => [
  process.execPath,
  ...(options.measuresMemory === true ? ["--expose-gc", "--max-semi-space-size=1"] : []),
  bundlePath(candidateOf(name).server),
  "--port",
  String(port),
  ...(options.accessLogPath === undefined ? [] : ["--access-log", options.accessLogPath])
]

export const startServer = async (name: CandidateName, options: StartOptions = {}): Promise<RunningServer> => {
  const port = await freePort()
  const child = spawnPinned(serverCore, commandFor(name, port, options), ["ignore", "ignore", "inherit", "ipc"])
  await expectMessage(name, child, "ready", startLimitMilliseconds)
  return {
    port,
    usage: async () => {
      const answer = expectMessage(name, child, "usage", usageLimitMilliseconds)
      // A child that ended on its own is reported by the expected message; the callback keeps `send` from throwing.
      child.send("usage", () => undefined)
      return ((await answer) as { readonly usage: Usage }).usage
    },
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

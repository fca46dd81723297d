import type { ChildProcess } from "node:child_process"
import { candidateOf, type CandidateName, nghttpd } from "../candidates.ts"
import { startNghttpd } from "../nghttpd/server.ts"
import { bundlePath } from "./bundles.ts"
import { endChild, hasEnded, serverCore, spawnPinned, within } from "./children.ts"
import { freePort } from "./freePort.ts"
import { BenchmarkProblem } from "./problem.ts"
import type { RunningServer, StartOptions, Usage } from "./runningServer.ts"

const startLimitMilliseconds = 10_000
const usageLimitMilliseconds = 20_000

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

const commandFor = (server: string, port: number, options: StartOptions): ReadonlyArray<string> => {
  const { accessLogPath, certificate, measuresMemory } = options
  return [
    process.execPath,
    ...(measuresMemory === true ? ["--expose-gc", "--max-semi-space-size=1"] : []),
    bundlePath(server),
    ...["--port", String(port)],
    ...(accessLogPath === undefined ? [] : ["--access-log", accessLogPath]),
    ...(certificate === undefined ? [] : ["--cert", certificate.cert, "--key", certificate.key])
  ]
}

const startServer = async (name: CandidateName, options: StartOptions): Promise<RunningServer> => {
  const { server } = candidateOf(name)
  if (server === nghttpd) return startNghttpd(options)
  const port = await freePort()
  const child = spawnPinned(serverCore, commandFor(server, port, options), ["ignore", "ignore", "inherit", "ipc"])
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

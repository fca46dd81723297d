import type { ChildProcess } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { endChild, loadCore, spawnPinned, within } from "../harness/children.ts"
import { BenchmarkProblem } from "../harness/problem.ts"
import type { IdleRow } from "../rows/row.ts"

export interface IdleClient {
  readonly open: (connections: number) => Promise<number>
  readonly countOpen: () => Promise<number>
  readonly closeAll: () => Promise<number>
}

interface Reply {
  readonly open: number
  readonly problem?: string
}

const replyLimitMilliseconds = 30_000

const askClient = async (child: ChildProcess, message: number | string): Promise<number> => {
  const answered = within(replyLimitMilliseconds, once(child, "message"))
  child.send(message)
  const replies = (await answered) as [Reply] | undefined
  if (replies === undefined) throw new BenchmarkProblem(`the idle client did not answer ${message} in 30 s`)
  const [reply] = replies
  if (reply.problem !== undefined) throw new BenchmarkProblem(`the idle client failed: ${reply.problem}`)
  return reply.open
}

export const withIdleClient = async <Value>(
  port: number,
  protocol: IdleRow["protocol"],
  use: (client: IdleClient) => Promise<Value>
): Promise<Value> => {
  const script = fileURLToPath(new URL("./client.ts", import.meta.url))
  const command = [process.execPath, script, "--port", String(port), "--protocol", protocol]
  const child = spawnPinned(loadCore, command, ["ignore", "ignore", "inherit", "ipc"])
  try {
    return await use({
      open: (connections) => askClient(child, connections),
      countOpen: () => askClient(child, "count"),
      closeAll: () => askClient(child, "close")
    })
  } finally {
    await endChild(child)
  }
}

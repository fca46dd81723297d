import type { CandidateName } from "../candidates.ts"
import { within } from "../harness/children.ts"
import { BenchmarkProblem } from "../harness/problem.ts"
import type { EchoRow } from "../rows/row.ts"
import { payloadOf } from "./frames.ts"

const messageCount = 2
const limitMilliseconds = 5000

interface SocketEvents {
  readonly open: Event
  readonly message: MessageEvent
  readonly close: CloseEvent
}

const nextOf = <Name extends keyof SocketEvents>(socket: WebSocket, name: Name): Promise<SocketEvents[Name]> =>
  new Promise((resolve, reject) => {
    const listening = new AbortController()
    const { signal } = listening
    const fail = (reason: string) => () => {
      listening.abort()
      reject(new BenchmarkProblem(reason))
    }
    socket.addEventListener("error", fail(`fails before ${name}`), { signal })
    if (name !== "close") socket.addEventListener("close", fail(`closes before ${name}`), { signal })
    const take = (event: SocketEvents[Name]): void => {
      listening.abort()
      resolve(event)
    }
    // The event of a name is the one that the table has for it.
    socket.addEventListener(name, (event) => take(event as SocketEvents[Name]), { signal })
  })

const bytesOf = (data: unknown): Buffer | undefined => {
  if (typeof data === "string") return Buffer.from(data)
  return data instanceof ArrayBuffer ? Buffer.from(data) : undefined
}

/** Node's own client, which offers compression, and is not the one that makes the load. */
const converse = async (port: number, row: EchoRow): Promise<ReadonlyArray<string>> => {
  const { kind, messageBytes } = row.load
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`)
  socket.binaryType = "arraybuffer"
  await nextOf(socket, "open")
  const problems = socket.extensions === "" ? [] : [`chose the extension ${socket.extensions}`]
  for (let number = 0; number < messageCount; number++) {
    const payload = payloadOf(kind, messageBytes, number)
    socket.send(kind === "text" ? payload.toString() : payload)
    const { data } = await nextOf(socket, "message")
    if ((typeof data === "string") !== (kind === "text")) problems.push(`answers ${kind} with the other kind`)
    if (bytesOf(data)?.equals(payload) !== true) problems.push("answers with other bytes than it was sent")
  }
  socket.close(1000)
  const { code } = await nextOf(socket, "close")
  return code === 1000 ? problems : [...problems, `answers a close frame so that the code is ${code}`]
}

/** Two messages in turn, the connection kept open in between, and closed in order. */
export const checkEchoAgreement = async (name: CandidateName, port: number, row: EchoRow): Promise<void> => {
  const problems = await within(limitMilliseconds, converse(port, row)).catch((error: unknown) => [String(error)])
  if (problems?.length === 0) return
  const all = problems?.join("; ") ?? `no answer in ${limitMilliseconds / 1000} s`
  throw new BenchmarkProblem(`${row.name}: ${name} does not answer like the others: ${all}`)
}

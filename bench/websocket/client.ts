import { setTimeout as sleep } from "node:timers/promises"
import { parseArgs } from "node:util"
import { measureLoad, printReport } from "../harness/loadReport.ts"
import { EchoConnection, makeTraffic, type Tally } from "./echoConnection.ts"
import type { MessageKind } from "./frames.ts"
import { Latencies } from "../harness/latencies.ts"

/** The load of an echo row: opens connections, keeps messages on their way for a time, and prints what came of it. */
const { values } = parseArgs({
  options: {
    port: { type: "string" },
    connections: { type: "string" },
    "in-flight": { type: "string" },
    bytes: { type: "string" },
    kind: { type: "string" },
    seconds: { type: "string" }
  }
})

const openLimitMilliseconds = 5000
const drainTurns = 1000
const drainTurnMilliseconds = 5
const readBytes = 262_144

const kind: MessageKind = values.kind === "binary" ? "binary" : "text"
const traffic = makeTraffic(kind, Number(values.bytes), Number(values["in-flight"]))
const tally: Tally = { messages: 0, latencies: new Latencies(), problems: new Map() }
const readBuffer = Buffer.allocUnsafeSlow(readBytes)
const connections = Array.from(
  { length: Number(values.connections) },
  () => new EchoConnection(Number(values.port), traffic, tally, readBuffer)
)

/** Counts turns rather than time, so that it is not the peer's fault when this process does not run for a while. */
const drain = async (): Promise<void> => {
  for (let turn = 0; turn < drainTurns; turn++) {
    if (!connections.some((connection) => connection.owesEchoes)) return
    await sleep(drainTurnMilliseconds)
  }
}

const exchangeMessages = async (): Promise<number> => {
  for (const connection of connections) connection.start()
  await sleep(Number(values.seconds) * 1000)
  const { messages } = tally
  for (const connection of connections) connection.stop()
  return messages
}

const openAll = Promise.all(connections.map((connection) => connection.opened))
await Promise.race([openAll, sleep(openLimitMilliseconds)])
const measured = await measureLoad(tally.latencies, exchangeMessages)
await drain()
for (const connection of connections) connection.end()
const problems = [...tally.problems].map(
  ([problem, count]) => `${problem} (${count} of ${connections.length} connections)`
)
printReport({ ...measured, problems })

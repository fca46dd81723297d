import { setTimeout as sleep } from "node:timers/promises"
import { parseArgs } from "node:util"
import { ownScheduling } from "../harness/scheduling.ts"
import { EchoConnection, makeTraffic, type Tally } from "./echoConnection.ts"
import type { MessageKind } from "./frames.ts"
import { Latencies } from "../harness/latencies.ts"

/** The load of an echo row: opens connections, keeps messages on their way for a time, and prints what came of it. */
export interface EchoReport {
  readonly messages: number
  readonly seconds: number
  readonly medianLatencyMicroseconds: number
  readonly tailLatencyMicroseconds: number
  readonly busy: number
  readonly waiting: number
  readonly problems: ReadonlyArray<string>
}

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

const measure = async (): Promise<Omit<EchoReport, "problems">> => {
  const before = await ownScheduling()
  const startedAt = performance.now()
  for (const connection of connections) connection.start()
  await sleep(Number(values.seconds) * 1000)
  const { messages } = tally
  const elapsedMicroseconds = (performance.now() - startedAt) * 1000
  for (const connection of connections) connection.stop()
  const after = await ownScheduling()
  return {
    messages,
    seconds: elapsedMicroseconds / 1e6,
    medianLatencyMicroseconds: tally.latencies.microsecondsAt(0.5),
    tailLatencyMicroseconds: tally.latencies.microsecondsAt(0.99),
    busy: (after.processorMicroseconds - before.processorMicroseconds) / elapsedMicroseconds,
    waiting: (after.waitedForOthersMicroseconds - before.waitedForOthersMicroseconds) / elapsedMicroseconds
  }
}

const openAll = Promise.all(connections.map((connection) => connection.opened))
await Promise.race([openAll, sleep(openLimitMilliseconds)])
const measured = await measure()
await drain()
for (const connection of connections) connection.end()
const problems = [...tally.problems].map(
  ([problem, count]) => `${problem} (${count} of ${connections.length} connections)`
)
const report: EchoReport = { ...measured, problems }
process.stdout.write(JSON.stringify(report), () => process.exit())

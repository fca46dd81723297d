/**
 * Publishing to the WebSockets of one process, against a loop that writes the same bytes to as many bare sockets, and
 * against the package `ws` with its loop. Prints the ratios of what each delivers in a second of its processor time.
 *
 *     node bench/topics/publish.ts --connections 1000 --bytes 200 --seconds 5 --rounds 5 --together 1
 *
 * `together` messages are published in the same turn of the event loop, and `window` may be under way: with 1 each has
 * arrived everywhere before the next one, so that none go out together.
 */
import { parseArgs } from "node:util"
import type { CandidateName } from "../candidates.ts"
import { endChildrenOnExit, leaveServerCore } from "../harness/children.ts"
import { prepareInstallations } from "../harness/installations.ts"
import { writeServerFiles } from "../harness/serverFiles.ts"
import { withServer } from "../harness/serverProcess.ts"
import { pairedRatios, type Spread } from "../harness/statistics.ts"
import { PublisherControl, Subscribers } from "./session.ts"

const { values } = parseArgs({
  options: {
    connections: { type: "string", default: "1000" },
    bytes: { type: "string", default: "200" },
    seconds: { type: "string", default: "5" },
    rounds: { type: "string", default: "5" },
    window: { type: "string", default: "8" },
    together: { type: "string", default: "1" },
    candidates: { type: "string", default: "topics-floor,topics,topics-ws" }
  }
})

const connections = Number(values.connections)
const bytes = Number(values.bytes)
const seconds = Number(values.seconds)
const window = Math.max(Number(values.window), Number(values.together))
const warmUpSeconds = 1.5

interface Sample {
  readonly perProcessorSecond: number
  readonly perSecond: number
  readonly longestTurn: number
}

const measure = (name: CandidateName): Promise<Sample> =>
  withServer(name, {}, async ({ port }) => {
    const subscribers = await Subscribers.open(port, connections, bytes, "1")
    const control = new PublisherControl(port)
    try {
      const publish = (duration: number) =>
        subscribers.getAll(name, "acknowledgements", (first) =>
          control.saturate(bytes, first, duration, window, Number(values.together))
        )
      await publish(warmUpSeconds)
      const { published, seen } = await publish(seconds)
      return {
        perProcessorSecond: seen.messages / published.processorSeconds,
        perSecond: seen.messages / published.seconds,
        longestTurn: published.longestTurn
      }
    } finally {
      control.end()
      await subscribers.end()
    }
  })

// Its names are checked where they are looked up.
const names = values.candidates.split(",") as ReadonlyArray<CandidateName>
prepareInstallations(new Set(["current", "peers"]), undefined)
for (const installation of ["current", "peers"] as const) await writeServerFiles(installation)
endChildrenOnExit()
leaveServerCore()

const samples = new Map<CandidateName, Array<Sample>>(names.map((name) => [name, []]))
for (let round = 0; round < Number(values.rounds); round++) {
  // Each comes first in its turn.
  for (const name of [...names.slice(round % names.length), ...names.slice(0, round % names.length)]) {
    const sample = await measure(name)
    samples.get(name)?.push(sample)
    const { longestTurn, perProcessorSecond, perSecond } = sample
    const rate = `${Math.round(perSecond / 1000)}k/s, ${Math.round(perProcessorSecond / 1000)}k/s of processor`
    console.log(`${round + 1} ${name}: ${rate}, longest turn ${longestTurn.toFixed(1)} ms`)
  }
}

const format = (ratios: Spread): string =>
  `${ratios.median.toFixed(2)} (${ratios.minimum.toFixed(2)} to ${ratios.maximum.toFixed(2)})`
const own = samples.get("topics") ?? []
for (const [name, peer] of samples) {
  if (name === "topics") continue
  for (const figure of ["perProcessorSecond", "perSecond"] as const) {
    const ratios = pairedRatios(
      own.map((sample) => sample[figure]),
      peer.map((sample) => sample[figure])
    )
    console.log(`topics / ${name}, ${figure}: ${format(ratios)}`)
  }
}
process.exit(0)

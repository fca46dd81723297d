/**
 * What an overloaded server does with the option `maxQueueTime` and without it: offers more and more requests to an
 * application of 2 ms of computing, and prints what came of each load. With `--write` this is another round beside those
 * of docs/bench/overload.json (with `--fresh` the first one), whose medians are then drawn and put into docs/overload.md.
 */
import { spawn } from "node:child_process"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { cpus, loadavg } from "node:os"
import { parseArgs } from "node:util"
import { type LoadOutcome, offer } from "./client.ts"
import { renderCurves } from "./chart.ts"
import { figuresOf, type Measured, type Round, tableOf } from "./figures.ts"

const { values } = parseArgs({
  options: {
    write: { type: "boolean", default: false },
    fresh: { type: "boolean", default: false },
    rates: { type: "string", default: "150,300,400,450,500,600,750,1000,1250,1500" },
    seconds: { type: "string", default: "6" },
    "max-queue-time": { type: "string", default: "0.1" }
  }
})

const patience = 1000
const path = (name: string): string => new URL(name, import.meta.url).pathname
const results = path("../../docs/bench/overload.json")
const document = path("../../docs/overload.md")
// This script has written the file.
const readRounds = (): ReadonlyArray<Round> =>
  existsSync(results) ? (JSON.parse(readFileSync(results, "utf8")) as Measured).rounds : []
const bin = path("../../packages/cli/src/bin.ts")

/** Runs the server with these flags while `use` does something with its port. */
const withServer = async <A>(flags: ReadonlyArray<string>, use: (port: number) => Promise<A>): Promise<A> => {
  const server = spawn(
    process.execPath,
    [bin, path("./computing.ts"), "--port", "0", "--access-log", "off", ...flags],
    { stdio: ["ignore", "pipe", "pipe"] }
  )
  try {
    const port = await new Promise<number>((resolve, reject) => {
      let text = ""
      const read = (piece: Buffer): void => {
        text += piece.toString()
        const port = /http:\/\/127\.0\.0\.1:(\d+)/.exec(text)?.[1]
        if (port !== undefined) resolve(Number(port))
      }
      server.stdout.on("data", read)
      server.stderr.on("data", read)
      server.on("exit", () => reject(new Error(`the server has ended: ${text}`)))
    })
    return await use(port)
  } finally {
    server.kill("SIGKILL")
  }
}

const measure = async (flags: ReadonlyArray<string>): Promise<ReadonlyArray<LoadOutcome>> => {
  const outcomes: Array<LoadOutcome> = []
  for (const rate of values.rates.split(",").map(Number)) {
    const load = { rate, seconds: Number(values.seconds), warmUp: 1, patience, connections: 400 }
    const outcome = await withServer(flags, (port) => offer({ ...load, port }))
    outcomes.push(outcome)
    console.log(flags.join(" "), JSON.stringify(outcome))
  }
  return outcomes
}

const seconds = values["max-queue-time"]
const round: Round = {
  load: loadavg()[0] ?? 0,
  limited: await measure(["--max-queue-time", seconds]),
  plain: await measure([])
}
if (values.write) {
  const processor = `${cpus()[0]?.model ?? "unknown processor"}, ${cpus().length} cores`
  const about = {
    machine: `${processor}, Node ${process.versions.node}`,
    patience,
    maxQueueTime: Number(seconds) * 1000
  }
  const before = values.fresh ? [] : readRounds()
  const measured: Measured = { ...about, rounds: [...before, round] }
  writeFileSync(results, `${JSON.stringify(measured, undefined, 2)}\n`)
  const figures = figuresOf(measured)
  writeFileSync(path("../../docs/bench/overload.svg"), renderCurves(figures))
  const page = readFileSync(document, "utf8")
  writeFileSync(
    document,
    page.replace(/(<!-- measured[^]*?-->\n)[^]*(<!-- end of measured -->)/, `$1\n${tableOf(figures)}\n$2`)
  )
}

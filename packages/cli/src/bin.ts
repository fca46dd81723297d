#!/usr/bin/env node
/** The program `pagi-server`: looks whether it can run here, and begins. */
import { usage } from "@pagi/node/pool/ExitCode"
import { problemOf } from "@pagi/node/process/RuntimeSupport"

const problem = problemOf(process.versions)

const args = process.argv.slice(2)

if (problem !== undefined) {
  process.stderr.write(`error: ${problem}\n`)
  process.exitCode = usage
} else if (args[0] === "health") {
  const { main } = await import("./status/HealthCommand.ts")
  await main(args.slice(1))
} else {
  if (process.pid === 1) {
    const { giveWay } = await import("./service/ProcessOne.ts")
    giveWay()
  }
  // Not before: on what is refused here, even an import may fail.
  const { start } = await import("./run/start.ts")
  await start(args)
}

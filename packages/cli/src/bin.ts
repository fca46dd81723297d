#!/usr/bin/env node
/** The program `pagi-server`: looks whether it can run here, and begins. */
import { usage } from "@pagi/node/pool/ExitCode"
import { problemOf } from "@pagi/node/process/RuntimeSupport"

const problem = problemOf(process.versions)

if (problem === undefined) {
  // Not before: on what is refused here, even an import may fail.
  const { start } = await import("./run/start.ts")
  await start(process.argv.slice(2))
} else {
  process.stderr.write(`error: ${problem}\n`)
  process.exitCode = usage
}

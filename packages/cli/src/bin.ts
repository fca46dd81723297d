#!/usr/bin/env node
import { mayHaveWorkers } from "./CommandLine.ts"
import * as ProcessStart from "./ProcessStart.ts"

// At once: without a listener Node starts its debugger at SIGUSR1, and ends or stands still at the others. The server
// adds its own.
ProcessStart.begin(["SIGHUP", "SIGUSR1", "SIGUSR2", "SIGTTIN", "SIGTTOU"])

const args = process.argv.slice(2)

if (args[0] === "status") {
  const { main } = await import("./StatusCommand.ts")
  main(args.slice(1))
} else if (mayHaveWorkers(args, process.env)) {
  const { main } = await import("./RunMode.ts")
  await main(args)
} else {
  const { main } = await import("./main.ts")
  main()
}

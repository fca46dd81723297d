#!/usr/bin/env node
import { setFlagsFromString } from "node:v8"
import { mayHaveWorkers } from "./CommandLine.ts"
import * as CompileCache from "./CompileCache.ts"

// V8 would take the objects of a few hundred requests that wait for their peers as a sign that requests live long, and put
// those of all later ones among the old. There they keep others alive, and each collection takes 10 ms instead of 0.3.
setFlagsFromString("--no-allocation-site-pretenuring")

// Before anything else is imported.
CompileCache.enable()

// At once, too: without a listener Node starts its debugger at SIGUSR1, and ends or stands still at the others. The
// server adds its own.
for (const signal of ["SIGHUP", "SIGUSR1", "SIGUSR2", "SIGTTIN", "SIGTTOU"]) process.on(signal, () => {})

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

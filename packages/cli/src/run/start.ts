/** Begins what the command line asks for: to show a status, or to serve, with workers or without. */
import { mayHaveWorkers } from "../plan/CommandLine.ts"
import * as ProcessStart from "../program/ProcessStart.ts"

export const start = async (args: ReadonlyArray<string>): Promise<void> => {
  ProcessStart.begin()
  if (args[0] === "status") {
    const { main } = await import("../status/StatusCommand.ts")
    main(args.slice(1))
    return
  }
  const Launch = await import("../service/Launch.ts")
  // First, so that no process which is started finds what is meant for this one.
  const launch = Launch.claim()
  if (mayHaveWorkers(args, process.env)) {
    const { main } = await import("./RunMode.ts")
    await main(args, launch)
  } else {
    const { main } = await import("./main.ts")
    main(launch)
  }
}

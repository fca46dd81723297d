/** Begins what the command line asks for: to show a server, or to serve, with workers or without. */
import { mayHaveWorkers } from "../plan/CommandLine.ts"
import * as ProcessStart from "../program/ProcessStart.ts"

export const start = async (args: ReadonlyArray<string>): Promise<void> => {
  ProcessStart.begin()
  if (args[0] === "status") {
    const { main } = await import("../status/StatusCommand.ts")
    main(args.slice(1))
    return
  }
  if (args[0] === "top") {
    const { main } = await import("../top/TopCommand.ts")
    main(args.slice(1))
    return
  }
  if (args[0] === "check") {
    const [launch, { inspect }] = await Promise.all([claim(), import("./main.ts")])
    inspect(launch, args.slice(1))
    return
  }
  // Claimed before anything is started that could find what is meant for this process.
  if (mayHaveWorkers(args, process.env)) {
    const [launch, { main }] = await Promise.all([claim(), import("./RunMode.ts")])
    await main(args, launch)
  } else {
    const [launch, { main }] = await Promise.all([claim(), import("./main.ts")])
    main(launch)
  }
}

/** Loaded beside the rest, since one after the other takes longer. */
const claim = async () => {
  const Launch = await import("../service/Launch.ts")
  return Launch.claim()
}

/** Begins what the command line asks for: to show a status, or to serve, with workers or without. */
import { mayHaveWorkers } from "../plan/CommandLine.ts"
import * as ProcessStart from "../program/ProcessStart.ts"

export const start = async (args: ReadonlyArray<string>): Promise<void> => {
  ProcessStart.begin()
  if (args[0] === "status") {
    const { main } = await import("../status/StatusCommand.ts")
    main(args.slice(1))
  } else if (mayHaveWorkers(args, process.env)) {
    const { main } = await import("./RunMode.ts")
    await main(args)
  } else {
    const { main } = await import("./main.ts")
    main()
  }
}

/**
 * Finds out whether the process is to serve itself or to look after workers, and begins with that. What only the other
 * one needs is not loaded.
 */
import * as CommandCheck from "../plan/CommandCheck.ts"
import * as Pipes from "../plan/Pipes.ts"
import type { Launch } from "../service/Launch.ts"

/** Begins, for a command line that may be one for a server with workers. */
export const main = async (args: ReadonlyArray<string>, launch: Launch["Service"]): Promise<void> => {
  const checked = await CommandCheck.ask(args)
  if (typeof checked === "number") process.exit(checked)
  if (!checked.hasWorkers) {
    Pipes.adopt(checked.pipes)
    const { main } = await import("./main.ts")
    main(launch)
  } else {
    const { main } = await import("./supervisor.ts")
    main(checked, launch)
  }
}

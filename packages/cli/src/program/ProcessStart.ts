/** What every process of the command does before it loads anything else. */
import * as StandardOutput from "@pagi/node/accessLog/StandardOutput"
import { setFlagsFromString } from "node:v8"
import * as CompileCache from "./CompileCache.ts"

const ignore = (): void => {}

/** Those at which Node would end or stand still, or start its debugger. */
const ofAdministrators: ReadonlyArray<NodeJS.Signals> = ["SIGHUP", "SIGUSR1", "SIGUSR2", "SIGTTIN", "SIGTTOU"]

/** Begins. The process survives these signals from now on; whoever has a use for them listens too. */
export const begin = (): void => {
  for (const signal of ofAdministrators) process.on(signal, ignore)
  // V8 would take the objects of a few hundred requests that wait for their peers as a sign that requests live long, and
  // put those of all later ones among the old. There they keep others alive, and each collection takes 10 ms instead of
  // 0.3.
  setFlagsFromString("--no-allocation-site-pretenuring")
  CompileCache.enable()
  // Who reads what is logged may end before the server does, which then logs for nobody.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", ignore)
  StandardOutput.guard(process.stdout, "stdout")
  StandardOutput.guard(process.stderr, "stderr")
}

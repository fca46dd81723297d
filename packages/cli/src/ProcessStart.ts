/** What every process of the command does before it loads anything else. */
import { setFlagsFromString } from "node:v8"
import * as CompileCache from "./CompileCache.ts"

const ignore = (): void => {}

/** Begins. The process survives these signals from now on; whoever has a use for them listens too. */
export const begin = (signals: ReadonlyArray<NodeJS.Signals>): void => {
  for (const signal of signals) process.on(signal, ignore)
  // V8 would take the objects of a few hundred requests that wait for their peers as a sign that requests live long, and
  // put those of all later ones among the old. There they keep others alive, and each collection takes 10 ms instead of
  // 0.3.
  setFlagsFromString("--no-allocation-site-pretenuring")
  CompileCache.enable()
  // Who reads what is logged may end before the server does, which then logs for nobody.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", ignore)
}

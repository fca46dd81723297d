/** The program that says what a command line means, to the process that has started it (`CommandCheck`). It never serves. */
import * as Pipes from "./plan/Pipes.ts"
import * as ProcessStart from "./program/ProcessStart.ts"

const { ppid: parent } = process
ProcessStart.begin()
Pipes.claim()

// Whoever has asked may be killed while a module of the configuration waits for something.
const asker = process.ppid
setInterval(() => {
  if (process.ppid !== asker) process.exit()
}, 500).unref()

const { answer } = await import("./plan/CommandCheck.ts")
const main = await import("./run/main.ts")
const Launch = await import("./service/Launch.ts")
main.answer(Launch.claim(), { parent, tell: answer })

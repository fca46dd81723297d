/** The program that says what a command line means, to the process that has started it (`CommandCheck`). It never serves. */
import * as Pipes from "./plan/Pipes.ts"
import * as ProcessStart from "./program/ProcessStart.ts"

// Before anything else: whoever has asked may be killed at any time (`UnendingSource` watches for that).
const { ppid: parent } = process
ProcessStart.begin()
Pipes.claim()

const { answer } = await import("./plan/CommandCheck.ts")
const main = await import("./run/main.ts")
const Launch = await import("./service/Launch.ts")
main.answer(Launch.claim(), { parent, tell: answer })

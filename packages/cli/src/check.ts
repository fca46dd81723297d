/** The program that says what a command line means, to the process that has started it (`CommandCheck`). It never serves. */
import * as ProcessStart from "./program/ProcessStart.ts"

ProcessStart.begin()

const { answer } = await import("./plan/CommandCheck.ts")
const { main } = await import("./run/main.ts")
const Launch = await import("./service/Launch.ts")
main(Launch.claim(), answer)

/** The program that says what a command line means, to the process that has started it (`CommandCheck`). It never serves. */
import * as ProcessStart from "./ProcessStart.ts"

ProcessStart.begin()

const { answer } = await import("./CommandCheck.ts")
const { main } = await import("./main.ts")
main(answer)

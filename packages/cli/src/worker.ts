/** The program of a worker process. A server with workers starts it; it is of no use otherwise. */
import * as ProcessStart from "./program/ProcessStart.ts"

// What reaches all processes of a terminal is meant for the supervisor; and until the worker listens, SIGTERM ends it.
ProcessStart.begin()
process.on("SIGINT", () => {})

const { main } = await import("./run/WorkerMain.ts")
main()

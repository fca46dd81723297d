/** The program of a worker process. A server with workers starts it; it is of no use otherwise. */
import * as ProcessStart from "./program/ProcessStart.ts"
import { spareVariable } from "./reload/SpareVariable.ts"

// What reaches all processes of a terminal is meant for the supervisor; and until the worker listens, SIGTERM ends it.
ProcessStart.begin()
process.on("SIGINT", () => {})

const load = () => import("./run/WorkerMain.ts")

if (process.env[spareVariable] !== undefined) {
  const { wait } = await import("./reload/SpareWorker.ts")
  await wait(load)
}
const { main } = await load()
main()

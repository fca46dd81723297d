/** The program of a worker process. A server with workers starts it; it is of no use otherwise. */
import { setFlagsFromString } from "node:v8"
import * as CompileCache from "./CompileCache.ts"

// The same as in `bin`, and for the same reasons.
setFlagsFromString("--no-allocation-site-pretenuring")
CompileCache.enable()

// What reaches all processes of a terminal, or is meant for the supervisor; and until the worker listens, SIGTERM ends it.
for (const signal of ["SIGINT", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGTTIN", "SIGTTOU"]) process.on(signal, () => {})

const { main } = await import("./WorkerMain.ts")
main()

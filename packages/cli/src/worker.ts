/** The program of a worker process. A server with workers starts it; it is of no use otherwise. */
import * as ProcessStart from "./ProcessStart.ts"

// What reaches all processes of a terminal, or is meant for the supervisor; and until the worker listens, SIGTERM ends it.
ProcessStart.begin(["SIGINT", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGTTIN", "SIGTTOU"])

const { main } = await import("./WorkerMain.ts")
main()

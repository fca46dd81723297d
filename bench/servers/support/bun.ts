import * as Contract from "./contract.ts"
import { serverArguments } from "./harness.ts"
import type { Answer, BunGlobal } from "./runtimes.ts"

declare const Bun: BunGlobal

/** Serves with Bun's own server. */
export const serveWithBun = (fetch: Answer): void => {
  Bun.serve({
    port: serverArguments().port,
    hostname: "127.0.0.1",
    idleTimeout: Contract.keepAliveMilliseconds / 1000,
    fetch
  })
}

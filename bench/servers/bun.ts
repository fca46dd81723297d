import * as Contract from "./support/contract.ts"
import { answer } from "./support/fetch.ts"
import { serverArguments } from "./support/harness.ts"
import type { BunGlobal } from "./support/runtimes.ts"

declare const Bun: BunGlobal

Bun.serve({
  port: serverArguments().port,
  hostname: "127.0.0.1",
  idleTimeout: Contract.keepAliveMilliseconds / 1000,
  fetch: answer
})

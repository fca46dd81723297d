import { serve } from "@hono/node-server"
import * as Contract from "./support/contract.ts"
import { serverArguments } from "./support/harness.ts"
import { application } from "./support/hono.ts"

serve({
  fetch: application.fetch,
  port: serverArguments().port,
  hostname: "127.0.0.1",
  serverOptions: { keepAliveTimeout: Contract.keepAliveMilliseconds }
})

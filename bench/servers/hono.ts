import { serve } from "@hono/node-server"
import { Hono } from "hono"
import * as Contract from "./support/contract.ts"
import { pieces } from "./support/fetch.ts"
import { serverArguments } from "./support/harness.ts"

const headers = { "Content-Type": Contract.contentType }

const application = new Hono()
application.get("/", (context) => context.body(Contract.greeting, 200, headers))
application.post(Contract.lengthPath, async (context) => {
  const body = await context.req.arrayBuffer()
  return context.body(String(body.byteLength), 200, headers)
})
application.get(Contract.streamPath, (context) => context.body(pieces(), 200, headers))

serve({
  fetch: application.fetch,
  port: serverArguments().port,
  hostname: "127.0.0.1",
  serverOptions: { keepAliveTimeout: Contract.keepAliveMilliseconds }
})

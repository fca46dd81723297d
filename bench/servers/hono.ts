import { serve } from "@hono/node-server"
import { Hono } from "hono"
import * as Contract from "./support/contract.ts"
import { announceReady, serverArguments } from "./support/harness.ts"

const headers = { "Content-Type": Contract.contentType }

const pieces = (): ReadableStream<Uint8Array> => {
  let remaining = Contract.pieceCount
  return new ReadableStream({
    pull(controller) {
      if (remaining === 0) return controller.close()
      remaining -= 1
      controller.enqueue(Contract.piece)
    }
  })
}

const application = new Hono()
application.get("/", (context) => context.body(Contract.greeting, 200, headers))
application.post(Contract.lengthPath, async (context) => {
  const body = await context.req.arrayBuffer()
  return context.body(String(body.byteLength), 200, headers)
})
application.get(Contract.streamPath, (context) => context.body(pieces(), 200, headers))

serve(
  {
    fetch: application.fetch,
    port: serverArguments().port,
    hostname: "127.0.0.1",
    serverOptions: { keepAliveTimeout: Contract.keepAliveMilliseconds }
  },
  announceReady
)

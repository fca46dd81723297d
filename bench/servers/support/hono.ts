import { Hono } from "hono"
import * as Contract from "./contract.ts"
import { pieces } from "./fetch.ts"

const headers = { "Content-Type": Contract.contentType }

/** Answers the same on every server. */
export const application = new Hono()
application.get("/", (context) => context.body(Contract.greeting, 200, headers))
application.post(Contract.lengthPath, async (context) => {
  const body = await context.req.arrayBuffer()
  return context.body(String(body.byteLength), 200, headers)
})
application.get(Contract.streamPath, (context) => context.body(pieces(), 200, headers))

/** The routes, as Hono has them on every platform; `c.env` is what this server tells besides the request. */
import type { FetchInfo } from "@pagi/core/PagiApp"
import * as PubSub from "effect/PubSub"
import { Hono } from "hono"
import { bodyLimit } from "hono/body-limit"
import { secureHeaders } from "hono/secure-headers"
import { stream } from "hono/streaming"
import { createHash } from "node:crypto"

export interface Entry {
  readonly id: number
  readonly text: string
  readonly from: string
}

/** What is posted is also published as news. */
export const makeBook = (news: PubSub.PubSub<Entry>) => {
  const entries: Array<Entry> = []
  const app = new Hono<{ Bindings: FetchInfo }>()

  app.use(secureHeaders())
  app.use(async (c, next) => {
    await next()
    c.header("x-entries", String(entries.length))
  })

  app.get("/entries", (c) => c.json(entries))

  app.get("/entries/:id", (c) => {
    const entry = entries.find(({ id }) => String(id) === c.req.param("id"))
    return entry === undefined ? c.notFound() : c.json(entry)
  })

  app.post("/entries", bodyLimit({ maxSize: 10_000 }), async (c) => {
    const { text } = await c.req.parseBody()
    if (typeof text !== "string" || text === "") return c.text("There is no text.\n", 422)
    const entry = { id: entries.length + 1, text, from: c.env.remoteAddress ?? "here" }
    entries.push(entry)
    PubSub.publishUnsafe(news, entry)
    return c.json(entry, 201, { location: `/entries/${entry.id}` })
  })

  // One line after the other, as fast as the client reads.
  app.get("/export", (c) =>
    stream(c, async (lines) => {
      for (const { id, text } of entries) await lines.writeln(`${id} ${text}`)
    })
  )

  // However large the file is, only a piece of it is in memory.
  app.put("/digest", async (c) => {
    const hash = createHash("sha256")
    for await (const piece of c.req.raw.body ?? []) hash.update(piece)
    return c.text(`${hash.digest("hex")}\n`)
  })

  // For a load balancer: nothing new comes once the server has begun to stop.
  app.get("/health", (c) => (c.env.readiness.isReady ? c.text("ready\n") : c.text("stopping\n", 503)))

  return app
}

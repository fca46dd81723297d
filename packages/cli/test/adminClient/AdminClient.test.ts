import { assert, describe, it } from "@effect/vitest"
import { tcp, unix } from "@pagi/core/options/Endpoint"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { createServer } from "node:http"
import { join } from "node:path"
import * as AdminClient from "../../src/adminClient/AdminClient.ts"
import { type Point, Points, Recent, Status } from "../../src/adminClient/AdminDocuments.ts"
import * as FakeAdmin from "../support/FakeAdmin.ts"
import * as Site from "../support/Site.ts"
import { until } from "../support/Until.ts"

const local = (port: number) => tcp("127.0.0.1", port)

const reasonOf = <A>(effect: Effect.Effect<A, AdminClient.AdminError>) =>
  Effect.map(Effect.flip(effect), ({ reason }) => reason)

describe("AdminClient", () => {
  it.live("reads what a server of this version says, over TCP and a Unix socket", () =>
    Effect.gen(function* () {
      const path = join(yield* Site.make({}), "admin.sock")
      const { port } = yield* FakeAdmin.serve()
      yield* FakeAdmin.serve(FakeAdmin.documents, path)
      for (const endpoint of [local(port), unix(path)]) {
        assert.strictEqual((yield* AdminClient.read(endpoint, "/status", Status)).pid, 4711)
        assert.strictEqual((yield* AdminClient.read(endpoint, "/history", Points)).length, 2)
        assert.strictEqual((yield* AdminClient.read(endpoint, "/recent", Recent)).slowest[0]?.path, "/slow")
      }
    })
  )

  it.live("says why there is no answer", () =>
    Effect.gen(function* () {
      const { port } = yield* FakeAdmin.serve({ "/status": { pid: "x" } })
      assert.strictEqual(
        yield* reasonOf(AdminClient.read(local(port), "/status", Status)),
        "what it says is not what servers of this version say"
      )
      assert.strictEqual(
        yield* reasonOf(AdminClient.read(local(port), "/history", Points)),
        "it answers /history by 404"
      )
      assert.strictEqual(yield* reasonOf(AdminClient.read(unix("/missing.sock"), "/status", Status)), "ENOENT")
    })
  )

  it.live("says what to do about a name that the listener refuses, and about one that is full", () =>
    Effect.gen(function* () {
      let status = 421
      const server = yield* Effect.acquireRelease(
        Effect.sync(() => createServer((_, response) => response.writeHead(status).end()).listen(0, "127.0.0.1")),
        (server) => Effect.sync(() => server.close())
      )
      yield* until(() => server.listening)
      const address = server.address()
      const port = typeof address === "object" ? (address?.port ?? 0) : 0
      const reason = reasonOf(AdminClient.read(local(port), "/status", Status))
      assert.include(yield* reason, "call it by its address")
      status = 503
      assert.include(yield* reason, "close a dashboard")
    })
  )

  it.live("listens to seconds until the stream ends, and leaves out what it does not understand", () =>
    Effect.gen(function* () {
      const admin = yield* FakeAdmin.serve()
      const points: Array<Point> = []
      const fiber = yield* Effect.forkChild(AdminClient.follow(local(admin.port), (point) => points.push(point)))
      yield* until(() => admin.streams.size === 1)
      admin.point(FakeAdmin.pointOf(1000))
      admin.send("event: point\ndata: none\n\nevent: other\ndata: {}\n\n")
      admin.point(FakeAdmin.pointOf(2000))
      yield* until(() => points.length === 2)
      assert.deepStrictEqual(
        points.map(({ at }) => at),
        [1000, 2000]
      )
      for (const stream of admin.streams) stream.end()
      assert.strictEqual(yield* reasonOf(Fiber.join(fiber)), "the stream of events has ended")
    })
  )

  it.live("closes its connection when nobody listens any more", () =>
    Effect.gen(function* () {
      const admin = yield* FakeAdmin.serve()
      const fiber = yield* Effect.forkChild(AdminClient.follow(local(admin.port), () => {}))
      yield* until(() => admin.streams.size === 1)
      const [stream] = admin.streams
      yield* Fiber.interrupt(fiber)
      yield* until(() => stream?.destroyed === true)
    })
  )
})

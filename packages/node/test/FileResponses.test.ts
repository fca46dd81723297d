import { assert, describe, it } from "@effect/vitest"
import type { SendError } from "@pagi/core/SendError"
import type * as PagiApp from "@pagi/core/PagiApp"
import * as Effect from "effect/Effect"
import { readdirSync, readlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { type Client, open } from "./support/Client.ts"
import { serveHttp } from "./support/Server.ts"
import { temporaryFolder } from "../../../test/support/TemporaryFolder.ts"
import { until } from "./support/Until.ts"

/** Files of different sizes and contents, by their letters. */
const sizes = { a: 1_000_000, b: 200_000, c: 65_537, d: 65_536, e: 3 }
const contents = new Map(
  Object.entries(sizes).map(([name, size], file) => [
    name,
    Buffer.from(Uint8Array.from({ length: size }, (_, index) => index * (2 * file + 31) + (index >> 8)))
  ])
)

const makeFiles = Effect.map(temporaryFolder, (folder) => {
  for (const [name, content] of contents) writeFileSync(join(folder, name), content)
  return folder
})

const sendFile =
  (folder: string): PagiApp.HttpHandler<SendError> =>
  (scope, _, send) =>
    Effect.andThen(
      send({ type: "http.response.start", status: 200 }),
      send({ type: "http.response.body", file: join(folder, scope.path) })
    )

const openCount = (folder: string): number =>
  readdirSync("/proc/self/fd").filter((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`).startsWith(folder)
    } catch {
      return false
    }
  }).length

/** Reads in small steps with pauses, so that much waits on the server's side. */
const readSlowly = ({ socket }: Client): void => {
  socket.on("data", () => {
    socket.pause()
    setImmediate(() => setImmediate(() => socket.resume()))
  })
}

describe("file responses over sockets", () => {
  for (const syncFileThreshold of [65_536, 0]) {
    it.live(`many at a time arrive unchanged, with a threshold of ${syncFileThreshold}`, () =>
      Effect.gen(function* () {
        const folder = yield* makeFiles
        const { port } = yield* serveHttp(sendFile(folder), { syncFileThreshold })
        const names = [...contents.keys()]
        const visit = Effect.fnUntraced(function* (number: number) {
          const client = yield* open(port)
          if (number % 2 === 0) readSlowly(client)
          const asked = [...names.slice(number % names.length), ...names.slice(0, number % names.length)]
          asked.forEach((name, index) =>
            client.get(`/${name}`, index === names.length - 1 ? "Connection: close\r\n" : "")
          )
          yield* client.ended
          let rest = client.bytes
          for (const name of asked) {
            const content = contents.get(name) ?? Buffer.alloc(0)
            const start = rest.indexOf("\r\n\r\n") + 4
            assert.include(rest.toString("latin1", 0, start), `\r\ncontent-length: ${content.length}\r\n`)
            assert.isTrue(rest.subarray(start, start + content.length).equals(content), name)
            rest = rest.subarray(start + content.length)
          }
          assert.strictEqual(rest.length, 0)
        }, Effect.scoped)
        yield* Effect.forEach(
          Array.from({ length: 20 }, (_, index) => index),
          visit,
          { concurrency: 10, discard: true }
        )
        // The end of a response that has been taken comes before that of its file.
        yield* until("all files are closed", () => openCount(folder) === 0)
      })
    )
  }

  it.live("a client that leaves has the file closed", () =>
    Effect.gen(function* () {
      const folder = yield* makeFiles
      writeFileSync(join(folder, "large"), Buffer.alloc(50_000_000))
      const { port } = yield* serveHttp(sendFile(folder))
      const client = yield* open(port)
      client.get("/large")
      yield* until("the response arrives", () => client.received > 100_000)
      client.socket.pause()
      assert.strictEqual(openCount(folder), 1)
      client.socket.destroy()
      yield* until("the file is closed", () => openCount(folder) === 0)
    })
  )
})

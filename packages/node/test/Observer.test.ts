import { assert, describe, it } from "@effect/vitest"
import { type ObservedConnection, Observer } from "@pagi/core/Observer"
import type { Input } from "@pagi/core/ServerOptions"
import * as Effect from "effect/Effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { fetchText, open } from "./support/Client.ts"
import { answer, serveHttp, type TestServer } from "./support/Server.ts"
import { temporaryFolder } from "./support/TemporaryFolder.ts"
import { openTls, serverTls } from "./support/TlsClient.ts"
import { until } from "./support/Until.ts"

/** Notes what a server tells, with the address of the client where it is told. */
const recorder = () => {
  const events: Array<string> = []
  const note = (event: string, { client }: ObservedConnection): void => void events.push(`${event} of ${client?.[0]}`)
  const observer: Observer = {
    connectionOpened: () => events.push("opened"),
    connectionClosed: () => events.push("closed"),
    exchangeStarted: (request, connection) => note(`started ${request?.target}`, connection),
    applicationStarted: () => events.push("application"),
    exchangeEnded: (record) => note(`ended ${record.status} ${record.outcome}`, record),
    protocolError: (reason, connection) => note(`error ${reason}`, connection),
    limitHit: (limit, connection) => note(`limit ${limit}`, connection)
  }
  return { events, observer }
}

const serveObserved = (options: Input = {}) =>
  Effect.gen(function* () {
    const { events, observer } = recorder()
    const running = yield* serveHttp(answer("here"), options).pipe(Effect.provideService(Observer, observer))
    return { ...running, events }
  })

const connections = ({ server }: TestServer, count: number) =>
  until(`there are ${count} connections`, () => Effect.runSync(server.connectionCount) === count)

const host = "127.0.0.1"
const served = [`started / of ${host}`, "application", `ended 200 complete of ${host}`]

describe("an observer of the context of a server", () => {
  it.live("is told of each connection and exchange, besides the access log", () =>
    Effect.gen(function* () {
      const accessLog = join(yield* temporaryFolder, "access.log")
      const { close, events, port } = yield* serveObserved({ accessLog, accessLogFormat: "%m %U %s" })
      assert.match(yield* fetchText(port), /here$/)
      yield* close
      assert.deepStrictEqual(events, ["opened", ...served, "closed"])
      assert.strictEqual(readFileSync(accessLog, "utf8"), "GET / 200\n")
    })
  )

  it.live("is told once of a connection that never says what it speaks", () =>
    Effect.gen(function* () {
      const running = yield* serveObserved()
      const client = yield* open(running.port)
      yield* connections(running, 1)
      client.socket.resetAndDestroy()
      yield* connections(running, 0)
      assert.deepStrictEqual(running.events, ["opened", "closed"])
    })
  )

  it.live("is told of clients that are turned away, which are no connections", () =>
    Effect.gen(function* () {
      const running = yield* serveObserved({ maxConnections: 1 })
      yield* open(running.port)
      yield* connections(running, 1)
      const second = yield* open(running.port)
      yield* second.ended
      assert.deepStrictEqual(running.events, [
        "opened",
        `limit maxConnections of ${host}`,
        `started undefined of ${host}`,
        `ended 503 at_capacity of ${host}`
      ])
    })
  )

  it.live("is told of a TLS connection from the beginning of its handshake, and of handshakes that fail", () =>
    Effect.gen(function* () {
      const running = yield* serveObserved({ tls: yield* serverTls })
      const leaving = yield* open(running.port)
      yield* connections(running, 1)
      leaving.socket.destroy()
      yield* connections(running, 0)
      assert.deepStrictEqual(running.events.splice(0), ["opened", "closed"])
      const garbage = yield* open(running.port)
      garbage.send(Buffer.alloc(1000, 0xff))
      yield* garbage.closed
      yield* connections(running, 0)
      assert.deepStrictEqual(running.events.splice(0), ["opened", `error tls-handshake of ${host}`, "closed"])
      const client = yield* openTls(running.port)
      client.get()
      yield* client.endsWith("here")
      client.socket.destroy()
      yield* connections(running, 0)
      assert.deepStrictEqual(running.events, ["opened", ...served, "closed"])
    })
  )
})

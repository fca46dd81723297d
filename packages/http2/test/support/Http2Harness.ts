import type { ByteString } from "@pagi/core/bytes/ByteString"
import type { HttpReceiveEvent, HttpSendEvent } from "@pagi/core/Event"
import * as PagiApp from "@pagi/core/PagiApp"
import type { InvalidOption } from "@pagi/core/ServerOptions"
import { MemoryTransport, type MemoryTransportOptions } from "@pagi/core/testing/MemoryTransport"
import { readBody } from "@pagi/core/test/drivers/support/Applications"
import {
  assertNothingLeft as assertNoConnectionLeft,
  type HarnessOptions,
  turn
} from "@pagi/core/test/drivers/support/Harness"
import * as TestServer from "@pagi/core/testing/TestServer"
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as EffectScope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { Http2Driver } from "../../src/Http2Driver.ts"
import { makeSettings } from "../../src/stream/DriverOptions.ts"
import { Peer } from "./Peer.ts"
import { get, opening, ping, settingsAck } from "./WireFrames.ts"

export { type HarnessOptions, readBody, turn }

/** A server without sockets: every `connect` is a new connection to the application. */
export interface Harness extends TestServer.TestServer {
  /** A connection that has sent nothing. */
  readonly connect: (options?: MemoryTransportOptions) => Peer
}

export const makeHarness = <E, R>(
  application: PagiApp.Application<E, R>,
  options: HarnessOptions = {}
): Effect.Effect<Harness, InvalidOption, R | EffectScope.Scope> =>
  Effect.gen(function* () {
    const testServer = yield* TestServer.make(application, options)
    const settings = makeSettings(testServer.server, options.webSocket?.(testServer.server))
    const connect = (options?: MemoryTransportOptions): Peer => {
      const transport = new MemoryTransport(options)
      new Http2Driver(settings, transport, testServer.fibers)
      return new Peer(transport)
    }
    return { ...testServer, connect }
  })

/** A connection on which both sides have sent their settings, and read them. */
export const establish = (harness: Harness, options?: MemoryTransportOptions): Effect.Effect<Peer> =>
  Effect.gen(function* () {
    const peer = harness.connect(options)
    peer.push(opening + settingsAck)
    yield* turn
    peer.lines()
    return peer
  })

/** Sends bytes, and reads what comes back in the same turn. */
export const exchange = (peer: Peer, bytes: ByteString): Effect.Effect<Array<string>> =>
  Effect.gen(function* () {
    peer.push(bytes)
    yield* turn
    return peer.lines()
  })

/** Checks that the connection still serves requests. */
export const assertAlive = (peer: Peer, streamId = 1_000_001): Effect.Effect<void> =>
  Effect.gen(function* () {
    const lines = yield* exchange(peer, ping("thealive") + get(streamId, "/empty"))
    assert.deepStrictEqual(lines, ["PING ACK thealive", `HEADERS ${streamId} END :status 204`], "still alive")
  })

/** Checks that the server has said its last word, and takes nothing more. */
export const assertDead = (peer: Peer): Effect.Effect<void> =>
  Effect.gen(function* () {
    assert.notStrictEqual(peer.transport.ending, "open")
    assert.deepStrictEqual(yield* exchange(peer, ping() + get(1_000_003)), [], "nothing after the end")
  })

/** The transports close; then nothing of the connections may be left, at the latest when `disconnectGrace` has passed. */
export const finish = (harness: Harness, ...peers: ReadonlyArray<Peer>): Effect.Effect<void> =>
  Effect.gen(function* () {
    for (const { transport } of peers) transport.fail()
    yield* turn
    if (harness.server.registry.size > 0) yield* TestClock.adjust("6 seconds")
    assertNothingLeft(harness)
  })

export const assertNothingLeft = (harness: Harness): void => {
  assertNoConnectionLeft(harness)
  assert.strictEqual(harness.server.deadlines.size, 0, "deadlines")
  assert.deepStrictEqual(harness.errors, [], "logged errors")
}

// applications -----------------------------------------------------------------------------------------------------------

type Receive = PagiApp.Receive<HttpReceiveEvent>
type Send = PagiApp.Send<HttpSendEvent>

export const respond = (send: Send, body: string, status = 200) =>
  Effect.andThen(send({ type: "http.response.start", status }), send({ type: "http.response.body", body }))

const untilDisconnect = Effect.fnUntraced(function* (receive: Receive) {
  while ((yield* receive).type !== "http.disconnect");
})

/**
 * Behaves as the path says: `/empty` answers 204, `/wait` never answers, `/stall` does not even receive, `/echo` answers with the content that it has
 * read, `/head` with the head, `/large/n` with n bytes, `/trailers` with a trailer section, `/begin` with a response that
 * has no end, and everything else with "hello" at once, whatever comes.
 */
export const site: PagiApp.HttpHandler<unknown> = (scope, receive, send) => {
  const [, name, size] = scope.path.split("/")
  switch (name) {
    case "empty":
      return respond(send, "", 204)
    case "wait":
      return untilDisconnect(receive)
    case "stall":
      return Effect.never
    case "echo":
      return Effect.flatMap(readBody(receive), (body) => (body === undefined ? Effect.void : respond(send, body)))
    case "head":
      return respond(send, JSON.stringify([scope.method, scope.rawPath, scope.queryString, scope.headers]))
    case "large":
      // Whatever becomes of the number when a client's bytes are changed.
      return respond(send, "x".repeat(Math.max(0, Math.min(Number(size), 1_000_000)) || 0))
    case "begin":
      return Effect.andThen(
        Effect.andThen(
          send({ type: "http.response.start", status: 200 }),
          send({ type: "http.response.body", body: "begun", more: true })
        ),
        untilDisconnect(receive)
      )
    case "trailers":
      return Effect.gen(function* () {
        yield* send({ type: "http.response.start", status: 200, trailers: true })
        yield* send({ type: "http.response.body", body: "hello" })
        yield* send({ type: "http.response.trailers", headers: [["x-sum", "5"]] })
      })
    default:
      return respond(send, "hello")
  }
}

export const siteApplication = PagiApp.make({ http: site })

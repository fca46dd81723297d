import type { ByteString } from "@pagi/core/bytes/ByteString"
import type { Application } from "@pagi/core/PagiApp"
import type { InvalidOption } from "@pagi/core/ServerOptions"
import { MemoryTransport, type MemoryTransportOptions } from "@pagi/core/testing/MemoryTransport"
import { assertNothingLeft, type HarnessOptions, turn } from "@pagi/core/test/drivers/support/Harness"
import * as TestServer from "@pagi/core/testing/TestServer"
import * as Effect from "effect/Effect"
import type * as EffectScope from "effect/Scope"
import { Http1Driver } from "../../src/Http1Driver.ts"
import { makeSettings } from "../../src/Http1Settings.ts"

export { assertNothingLeft, turn }

/** A server without sockets: every `connect` is a new connection to the application. */
export interface Harness extends TestServer.TestServer {
  readonly connect: (options?: MemoryTransportOptions) => MemoryTransport
}

export const makeHarness = <E, R>(
  application: Application<E, R>,
  options: HarnessOptions = {}
): Effect.Effect<Harness, InvalidOption, R | EffectScope.Scope> =>
  Effect.gen(function* () {
    const testServer = yield* TestServer.make(application, options)
    const settings = makeSettings(testServer.server, options.webSocket?.(testServer.server))
    const connect = (options?: MemoryTransportOptions): MemoryTransport => {
      const transport = new MemoryTransport(options)
      new Http1Driver(settings, transport, testServer.fibers)
      return transport
    }
    return { ...testServer, connect }
  })

/** A new connection that has sent these bytes, after everything that needs no time has happened. */
export const converse = (harness: Harness, bytes: ByteString): Effect.Effect<MemoryTransport> =>
  Effect.gen(function* () {
    const transport = harness.connect()
    transport.push(bytes)
    yield* turn
    return transport
  })

/** The peer closes its side; then nothing of the connections may be left. */
export const finish = (harness: Harness, ...transports: ReadonlyArray<MemoryTransport>): Effect.Effect<void> =>
  Effect.gen(function* () {
    for (const transport of transports) transport.pushEnd()
    yield* turn
    assertNothingLeft(harness)
  })

/** The statuses of the responses in a text, where no body contains what looks like a status line. */
export const statuses = (text: ByteString): Array<number> =>
  [...text.matchAll(/HTTP\/1\.1 ([0-9]{3}) /g)].map((match) => Number(match[1]))

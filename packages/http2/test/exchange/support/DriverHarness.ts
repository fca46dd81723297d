import type { Application } from "@pagi/core/PagiApp"
import type { InvalidOption } from "@pagi/core/ServerOptions"
import { MemoryTransport, type MemoryTransportOptions } from "@pagi/core/testing/MemoryTransport"
import { assertNothingLeft, turn } from "@pagi/core/test/drivers/support/Harness"
import * as TestServer from "@pagi/core/testing/TestServer"
import * as Effect from "effect/Effect"
import type * as EffectScope from "effect/Scope"
import { Http2Driver } from "../../../src/Http2Driver.ts"
import { makeSettings } from "../../../src/stream/DriverOptions.ts"
import * as SettingId from "../../../src/protocol/wire/PeerSettings.ts"
import { Peer } from "./Peer.ts"

export { assertNothingLeft, turn }

/** A server without sockets: every `connect` is a new connection to the application. */
export interface Harness extends TestServer.TestServer {
  /** A connection on which the peer has not sent anything. */
  readonly accept: (options?: MemoryTransportOptions) => Peer
  /** A connection that has begun, with settings of the peer. */
  readonly connect: (
    options?: MemoryTransportOptions,
    settings?: ReadonlyArray<readonly [id: number, value: number]>
  ) => Peer
  /** A connection whose peer has opened its windows as far as can be. */
  readonly connectWide: (options?: MemoryTransportOptions) => Peer
}

export const wideWindow = 2 ** 31 - 1

export const makeHarness = <E, R>(
  application: Application<E, R>,
  options: TestServer.TestServerOptions = {}
): Effect.Effect<Harness, InvalidOption, R | EffectScope.Scope> =>
  Effect.gen(function* () {
    const testServer = yield* TestServer.make(application, options)
    const settings = makeSettings(testServer.server)
    const accept = (options?: MemoryTransportOptions): Peer => {
      const transport = new MemoryTransport(options)
      new Http2Driver(settings, transport, testServer.fibers)
      return new Peer(transport)
    }
    return {
      ...testServer,
      accept,
      connect: (options, settings) => accept(options).begin(settings),
      connectWide: (options) => {
        const peer = accept(options).begin([[SettingId.INITIAL_WINDOW_SIZE, wideWindow]])
        peer.open(0, wideWindow - peer.window)
        return peer
      }
    }
  })

/** The peers close their sides; then nothing of the connections may be left. */
export const finish = (harness: Harness, ...peers: ReadonlyArray<Peer>): Effect.Effect<void> =>
  Effect.gen(function* () {
    for (const peer of peers) {
      peer.transport.pushEnd()
      peer.readAll()
    }
    yield* turn
    for (const peer of peers) peer.readAll()
    assertNothingLeft(harness)
  })

import { assert, describe, it } from "@effect/vitest"
import { tcp, unix } from "@pagi/core/Endpoint"
import type { Address } from "@pagi/core/contract/Address"
import * as Effect from "effect/Effect"
import type { Socket } from "node:net"
import { ListenError } from "../../src/accept/ListenError.ts"
import { open } from "../support/Client.ts"
import { listenTcp, type TcpOptions } from "../support/Listen.ts"
import { until } from "../support/Until.ts"

const listen = (options: Partial<TcpOptions> = {}) =>
  listenTcp({
    host: "127.0.0.1",
    port: 0,
    backlog: 16,
    onAcceptError: () => {},
    onSocket: ({ socket }) => socket.destroy(),
    ...options
  })

const failureOf = (options: Partial<TcpOptions>) => Effect.flip(Effect.scoped(listen(options)))

describe("listenTcp", () => {
  it.live("listens on a free port", () =>
    Effect.gen(function* () {
      const { address, url } = yield* listen()
      assert.strictEqual(address[0], "127.0.0.1")
      assert.strictEqual(url, `http://127.0.0.1:${address[1]}/`)
    })
  )

  it.live("puts an IPv6 address in brackets", () =>
    Effect.gen(function* () {
      const { address, url } = yield* listen({ host: "::1" })
      assert.strictEqual(address[0], "::1")
      assert.strictEqual(url, `http://[::1]:${address[1]}/`)
      yield* open(address[1] ?? 0, { host: "::1" })
    })
  )

  it.live("resolves a host name", () =>
    Effect.gen(function* () {
      const { address } = yield* listen({ host: "localhost" })
      assert.include(["127.0.0.1", "::1"], address[0])
    })
  )

  it.live("fails when the port is in use", () =>
    Effect.gen(function* () {
      const { address } = yield* listen()
      const port = address[1] ?? 0
      const error = yield* failureOf({ port })
      assert.instanceOf(error, ListenError)
      assert.strictEqual(error.code, "EADDRINUSE")
      assert.strictEqual(error.message, `port ${port} on 127.0.0.1 is already in use`)
    })
  )

  it.live("fails for an address of another machine", () =>
    Effect.gen(function* () {
      const error = yield* failureOf({ host: "192.0.2.1" })
      assert.strictEqual(error.message, "192.0.2.1 is not an address of this machine")
    })
  )

  it.live("fails for a host name that nobody knows", () =>
    Effect.gen(function* () {
      const error = yield* failureOf({ host: "pagi.invalid" })
      assert.include(["ENOTFOUND", "EAI_AGAIN"], error.code)
      assert.strictEqual(error.message, "the host name pagi.invalid cannot be resolved")
    })
  )

  it("names the reason that a person can act on", () => {
    const messageOf = (code: string) => new ListenError({ endpoint: tcp("::1", 80), code }).message
    assert.strictEqual(messageOf("EACCES"), "port 80 on ::1 needs more privileges than this process has")
    assert.strictEqual(messageOf("EPERM"), "cannot listen on port 80 on ::1: EPERM")
    const ofUnix = (code: string) => new ListenError({ endpoint: unix("/run/a"), code }).message
    assert.strictEqual(ofUnix("EROFS"), "the Unix socket /run/a cannot be made, since the file system is read-only")
    assert.strictEqual(ofUnix("ENOSPC"), "the Unix socket /run/a cannot be made, since the disk is full")
  })

  it.live("leaves open connections alone when it stops accepting", () =>
    Effect.gen(function* () {
      const accepted: Array<Socket> = []
      const { address, stopAccepting } = yield* listen({ onSocket: ({ socket }) => accepted.push(socket) })
      const port = address[1] ?? 0
      const client = yield* open(port)
      yield* until("the connection is accepted", () => accepted.length === 1)
      yield* stopAccepting
      yield* stopAccepting
      assert.strictEqual(yield* Effect.flip(open(port)), "ECONNREFUSED")
      accepted[0]?.end("still here")
      yield* client.ended
      assert.strictEqual(client.text, "still here")
    })
  )

  it.live("names the address that the peer has connected to, also when it listens on all", () =>
    Effect.gen(function* () {
      for (const host of ["127.0.0.1", "0.0.0.0"]) {
        const servers: Array<Address | undefined> = []
        const { address } = yield* listen({
          host,
          onSocket: ({ socket }, server) => {
            servers.push(server)
            socket.destroy()
          }
        })
        yield* open(address[1] ?? 0)
        yield* until("the connection is accepted", () => servers.length === 1)
        assert.deepStrictEqual(servers, [["127.0.0.1", address[1]]])
      }
    })
  )

  it.live("frees the port with its scope", () =>
    Effect.gen(function* () {
      const first = yield* Effect.scoped(listen())
      const second = yield* listen({ port: first.address[1] ?? 0 })
      assert.deepStrictEqual(second.address, first.address)
    })
  )
})

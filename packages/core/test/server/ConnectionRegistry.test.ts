import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { ConnectionRegistry, type LingeringConnection, type Holding } from "../../src/server/ConnectionRegistry.ts"

class FakeConnection implements LingeringConnection {
  readonly protocol: string
  readonly endReason = "complete"
  readonly calls: Array<string> = []
  isSent = true
  holding: Holding | undefined = undefined
  /** What the connection does besides when it is called. */
  readonly react: () => void

  constructor(react: () => void = () => {}, protocol = "toy/1") {
    this.react = react
    this.protocol = protocol
  }

  drain(): void {
    this.calls.push("drain")
    this.react()
  }

  abort(reason: string): void {
    this.calls.push(reason)
    this.react()
  }
}

const fill = (registry: ConnectionRegistry, count: number): ReadonlyArray<FakeConnection> => {
  const connections = Array.from({ length: count }, (): FakeConnection => {
    const connection: FakeConnection = new FakeConnection(() => registry.remove(connection))
    return connection
  })
  for (const connection of connections) registry.add(connection)
  return connections
}

describe("ConnectionRegistry", () => {
  it("counts the open connections", () => {
    const registry = new ConnectionRegistry()
    const [first, second] = [new FakeConnection(), new FakeConnection()]
    registry.add(first)
    registry.add(second)
    registry.add(second)
    assert.strictEqual(registry.size, 2)
    registry.remove(first)
    registry.remove(first)
    assert.strictEqual(registry.size, 1)
  })

  it("tells those that have something to do from those that only linger", () => {
    const registry = new ConnectionRegistry()
    const [busy, lingering, sending] = [new FakeConnection(), new FakeConnection(), new FakeConnection()]
    for (const connection of [busy, lingering, sending]) registry.add(connection)
    sending.isSent = false
    registry.linger(lingering)
    registry.linger(sending)
    assert.deepStrictEqual([registry.size, registry.unfinished], [3, 2])
    registry.reuse(lingering)
    assert.strictEqual(registry.unfinished, 3)
  })

  it("drains every connection, also those that come later", () => {
    const registry = new ConnectionRegistry()
    const early = new FakeConnection()
    const late = new FakeConnection()
    registry.add(early)
    assert.isFalse(registry.isDraining)
    registry.drain()
    assert.isTrue(registry.isDraining)
    registry.add(late)
    assert.deepStrictEqual([early.calls, late.calls], [["drain"], ["drain"]])
  })

  it("drains connections that leave at once", () => {
    const registry = new ConnectionRegistry()
    const connections = fill(registry, 5)
    registry.drain()
    assert.isTrue(connections.every(({ calls }) => calls.length === 1))
    assert.strictEqual(registry.size, 0)
  })

  it("aborts every connection with the reason, but none that come later", () => {
    const registry = new ConnectionRegistry()
    const connections = fill(registry, 5)
    registry.abort("server_shutdown")
    const late = new FakeConnection()
    registry.add(late)
    assert.isTrue(connections.every(({ calls }) => calls.join() === "server_shutdown"))
    assert.strictEqual(registry.size, 1)
    assert.deepStrictEqual(late.calls, [])
  })

  describe("makeRoom", () => {
    it("has those give way that linger, the one that began first before the others", () => {
      const registry = new ConnectionRegistry()
      const [first, second, third] = [new FakeConnection(), new FakeConnection(), new FakeConnection()]
      for (const connection of [first, second, third]) registry.add(connection)
      assert.isTrue(registry.makeRoom(4))
      assert.isFalse(registry.makeRoom(3))
      first.isSent = false
      registry.linger(first)
      registry.linger(third)
      registry.linger(second)
      assert.strictEqual(registry.size, 3)
      assert.isTrue(registry.makeRoom(4))
      assert.isTrue(registry.makeRoom(3))
      assert.deepStrictEqual([first.calls, second.calls, third.calls], [[], [], ["idle_timeout"]])
      assert.strictEqual(registry.size, 2)
      assert.isTrue(registry.makeRoom(2))
      assert.isFalse(registry.makeRoom(1))
      assert.strictEqual(second.calls.length, 1)
    })

    it("leaves those alone that are used again or have gone", () => {
      const registry = new ConnectionRegistry()
      const [used, gone, stranger] = [new FakeConnection(), new FakeConnection(), new FakeConnection()]
      registry.add(used)
      registry.add(gone)
      for (const connection of [used, gone, stranger]) registry.linger(connection)
      registry.reuse(used)
      registry.remove(gone)
      assert.isFalse(registry.makeRoom(1))
      assert.deepStrictEqual([used.calls, gone.calls, stranger.calls], [[], [], []])
    })

    it.effect("is not empty before those have closed that gave way", () =>
      Effect.gen(function* () {
        const registry = new ConnectionRegistry()
        const connection = new FakeConnection()
        registry.add(connection)
        registry.linger(connection)
        assert.isTrue(registry.makeRoom(1))
        assert.strictEqual(registry.size, 0)
        const fiber = yield* Effect.forkChild(registry.empty, { startImmediately: true })
        assert.isUndefined(fiber.pollUnsafe())
        registry.remove(connection)
        yield* Fiber.join(fiber)
        assert.strictEqual(registry.size, 0)
      })
    )
  })

  it("drops those that hold least, the oldest first", () => {
    const registry = new ConnectionRegistry()
    const connections = (["answer", "backlog", undefined, "nothing", "nothing"] as const).map((holding) => {
      const connection = new FakeConnection()
      connection.holding = holding
      registry.add(connection)
      return connection
    })
    const dropped = () => connections.flatMap(({ calls }, index) => (calls.join() === "idle_timeout" ? [index] : []))
    for (const expected of [[3], [3, 4], [1, 3, 4], [0, 1, 3, 4]]) {
      assert.isTrue(registry.dropLeast())
      assert.deepStrictEqual([registry.size, dropped()], [5 - expected.length, expected])
    }
    assert.isFalse(registry.dropLeast())
  })

  describe("tells its observer", () => {
    const closed = "closed toy/1 complete"

    const observed = () => {
      const events: Array<string> = []
      const registry = new ConnectionRegistry({
        connectionOpened: () => events.push("opened"),
        protocolChanged: (protocol, before) => events.push(`changed from ${before} to ${protocol}`),
        connectionClosed: (protocol, reason) => events.push(`closed ${protocol} ${reason}`)
      })
      return { events, registry }
    }

    it("once that a connection has opened, and once that it has closed", () => {
      const { events, registry } = observed()
      const connection = new FakeConnection()
      registry.add(connection)
      registry.add(connection)
      assert.deepStrictEqual(events, ["opened"])
      registry.remove(connection)
      registry.remove(connection)
      assert.deepStrictEqual(events, ["opened", closed])
    })

    it("nothing when a connection goes on as another", () => {
      const { events, registry } = observed()
      const [first, second, third] = [new FakeConnection(), new FakeConnection(), new FakeConnection()]
      registry.add(first)
      registry.replace(first, second)
      const answer = registry.handOver(second, () => {
        registry.add(third)
        return "begun"
      })
      assert.deepStrictEqual([answer, registry.size, events], ["begun", 1, ["opened"]])
      registry.remove(second)
      assert.deepStrictEqual(events, ["opened"])
      registry.remove(third)
      assert.deepStrictEqual(events, ["opened", closed])
    })

    it("that a connection goes on in another protocol", () => {
      const { events, registry } = observed()
      const [first, second] = [new FakeConnection(), new FakeConnection(undefined, "toy/2")]
      registry.add(first)
      registry.replace(first, second)
      registry.remove(second)
      assert.deepStrictEqual(events, ["opened", "changed from toy/1 to toy/2", "closed toy/2 complete"])
    })

    it("that one has closed whose successor is not added, and that another has opened when it had closed before", () => {
      const { events, registry } = observed()
      const [connection, gone, late] = [new FakeConnection(), new FakeConnection(), new FakeConnection()]
      registry.add(connection)
      registry.handOver(connection, () => {})
      assert.deepStrictEqual(events, ["opened", closed])
      registry.replace(gone, late)
      assert.deepStrictEqual([registry.size, events], [1, ["opened", closed, "opened"]])
    })

    it("at once of those that give way", () => {
      const { events, registry } = observed()
      const connection = new FakeConnection(() => events.push("aborted"))
      registry.add(connection)
      registry.linger(connection)
      assert.isTrue(registry.makeRoom(1))
      registry.remove(connection)
      assert.deepStrictEqual(events, ["opened", closed, "aborted"])
    })
  })

  describe("empty", () => {
    it.effect("completes at once without connections", () => new ConnectionRegistry().empty)

    it.effect("completes when the last connection has gone, for everyone who waits", () =>
      Effect.gen(function* () {
        const registry = new ConnectionRegistry()
        const [first, second] = [new FakeConnection(), new FakeConnection()]
        registry.add(first)
        registry.add(second)
        const fibers = [
          yield* Effect.forkChild(registry.empty, { startImmediately: true }),
          yield* Effect.forkChild(registry.empty, { startImmediately: true }),
          yield* Effect.forkChild(registry.empty, { startImmediately: true })
        ] as const
        yield* Fiber.interrupt(fibers[1])
        registry.remove(first)
        assert.isUndefined(fibers[0].pollUnsafe())
        registry.remove(second)
        assert.deepStrictEqual([fibers[0].pollUnsafe(), fibers[2].pollUnsafe()], [Exit.void, Exit.void])
      })
    )

    it.effect("can be waited for again", () =>
      Effect.gen(function* () {
        const registry = new ConnectionRegistry()
        const connection = new FakeConnection()
        registry.add(connection)
        registry.remove(connection)
        yield* registry.empty
        registry.add(connection)
        const fiber = yield* Effect.forkChild(registry.empty, { startImmediately: true })
        assert.isUndefined(fiber.pollUnsafe())
        registry.remove(connection)
        yield* Fiber.join(fiber)
      })
    )
  })
})

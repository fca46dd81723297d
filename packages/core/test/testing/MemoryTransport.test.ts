import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { TransportHandler } from "../../src/transport/Transport.ts"
import { MemoryTransport, type MemoryTransportOptions } from "../../src/testing/MemoryTransport.ts"

/** Lets the end of a turn come that no `push` began. */
const endOfTurn = Effect.promise(() => Promise.resolve())

/** A transport whose driver writes down what it is told. */
const setUp = (
  options?: MemoryTransportOptions,
  react: (transport: MemoryTransport, data: string) => void = () => {}
) => {
  const transport = new MemoryTransport(options)
  const seen: Array<string> = []
  const handler: TransportHandler = {
    onData: (bytes) => {
      const data = Buffer.from(bytes).toString("latin1")
      seen.push(data)
      react(transport, data)
    },
    onEnd: () => seen.push("end"),
    onFlush: () => seen.push("flush"),
    onBlocked: () => seen.push("blocked"),
    onDrain: () => seen.push(`drain ${transport.bufferedAmount}`),
    onClose: (reason) => seen.push(`close ${reason}`)
  }
  transport.open(handler)
  return { transport, seen }
}

describe("MemoryTransport", () => {
  it("has the addresses of a TCP connection unless others, or none, are asked for", () => {
    const { transport } = setUp()
    assert.deepStrictEqual(
      [transport.client, transport.server],
      [
        ["127.0.0.1", 54_321],
        ["127.0.0.1", 5000]
      ]
    )
    assert.isFalse(transport.secure)
    const other = setUp({ server: ["/run/app.sock", null], secure: true }).transport
    assert.deepStrictEqual([other.server, other.secure], [["/run/app.sock", null], true])
  })

  it("gathers what is written in a turn into one write", () => {
    const { transport, seen } = setUp({}, (transport, data) => {
      transport.write(data)
      transport.write(new Uint8Array([0xff]))
      assert.strictEqual(transport.text, "")
    })
    transport.push("a\xff")
    assert.deepStrictEqual([transport.text, transport.writes], ["a\xff\xff", 1])
    assert.deepStrictEqual(seen, ["a\xff", "flush"])
  })

  it.effect("ends a turn that no push began by itself", () =>
    Effect.gen(function* () {
      const { transport } = setUp()
      transport.write("later")
      assert.deepStrictEqual([transport.text, transport.bufferedAmount], ["", 5])
      yield* endOfTurn
      assert.deepStrictEqual([transport.text, transport.bufferedAmount], ["later", 0])
    })
  )

  it("holds back what is over its capacity until the peer reads", () => {
    const { transport, seen } = setUp({ capacity: 3 })
    transport.write("abcdefgh")
    transport.flush()
    assert.deepStrictEqual([transport.text, transport.bufferedAmount], ["abc", 5])
    assert.strictEqual(transport.read(), "abc")
    assert.strictEqual(transport.read(), "def")
    assert.deepStrictEqual([transport.text, transport.bufferedAmount], ["gh", 0])
    assert.deepStrictEqual(
      seen.filter((call) => call !== "flush"),
      ["blocked", "blocked", "drain 2", "drain 0"]
    )
  })

  it.effect("keeps what the peer sends while the driver has paused", () =>
    Effect.gen(function* () {
      const { transport, seen } = setUp({}, (transport, data) => (data === "b" ? transport.pause() : undefined))
      for (const data of ["a", "b", "c", "d"]) transport.push(data)
      transport.pushEnd()
      assert.deepStrictEqual([seen, transport.unreadLength], [["a", "b"], 2])
      transport.resume()
      yield* endOfTurn
      assert.deepStrictEqual([seen, transport.unreadLength], [["a", "b", "c", "d", "end"], 0])
    })
  )

  it.effect("closes when both sides have ended, once", () =>
    Effect.gen(function* () {
      for (const order of [
        ["end", "pushEnd"],
        ["pushEnd", "end"]
      ] as const) {
        const { transport, seen } = setUp()
        transport.write("last")
        for (const act of order) transport[act]()
        yield* endOfTurn
        assert.deepStrictEqual([transport.text, transport.ending], ["last", "ended"])
        transport.fail("read_error")
        assert.deepStrictEqual(
          seen.filter((call) => call.startsWith("close")),
          ["close undefined"]
        )
      }
    })
  )

  it.effect("sends what was written before it is destroyed, and nothing before it is reset", () =>
    Effect.gen(function* () {
      for (const [act, ending, text] of [
        ["destroy", "destroyed", "last"],
        ["reset", "reset", ""]
      ] as const) {
        const { transport, seen } = setUp()
        transport.write("last")
        transport[act]()
        transport.write("too late")
        transport.push("ignored")
        assert.deepStrictEqual(seen, [])
        yield* endOfTurn
        assert.deepStrictEqual([seen, transport.ending, transport.text], [["close undefined"], ending, text])
      }
    })
  )

  it("tells why the connection broke", () => {
    const { transport, seen } = setUp()
    transport.fail("read_error")
    transport.fail("write_error")
    assert.deepStrictEqual(seen, ["close read_error"])
  })
})

import { assert, describe, it } from "@effect/vitest"
import type { Connection } from "../../src/mesh/protocol/Connection.ts"
import * as Frames from "../../src/mesh/protocol/Frames.ts"
import { hardLimit, highMark, maxFrame, maxGaps, maxText, window } from "../../src/mesh/protocol/Limits.ts"
import { Mesh, type MeshListener } from "../../src/mesh/protocol/Mesh.ts"

/** A process that hears messages, and can be told not to take any. */
class Listener implements MeshListener {
  readonly heard: Array<string> = []
  pauses = false
  paused: Connection | undefined
  onMessage(connection: Connection, topic: string, text: string): boolean {
    this.heard.push(`${topic} ${text.slice(0, 10)}`)
    if (this.pauses) this.paused = connection
    return this.pauses
  }
  onGap(topic: string | undefined, reason: string): void {
    this.heard.push(`gap ${topic ?? "all"} ${reason}`)
  }
  onJoined(): void {}
  onLeft(): void {}
  onGone(): void {
    this.heard.push("gone")
  }
  onLost(): void {
    this.heard.push("lost")
  }
  onSettled(): void {}
  onOtherVersion(version: number): void {
    this.heard.push(`version ${version}`)
  }
}

/** A test takes what there is without being told. */
const port = { wake: () => {}, end: () => {} }

/** Two processes that are connected; the second one wants the topics. */
const makePair = (...topics: ReadonlyArray<string>) => {
  const listener = new Listener()
  const one = new Mesh("01", new Listener())
  const two = new Mesh("02", listener)
  for (const topic of topics) two.want("messages", topic)
  const [there, here] = [one.dial("02", port), two.accept(port)]
  /** Everything that can move does; answers how many bytes that were. */
  const settle = (): number => {
    let total = 0
    for (let isMoving = true; isMoving;) {
      isMoving = false
      for (const [from, to] of [
        [there, here],
        [here, there]
      ] as const) {
        const bytes = from.take()
        if (bytes === undefined) continue
        isMoving = true
        total += bytes.length
        to.receive(Buffer.from(bytes))
      }
    }
    return total
  }
  settle()
  const resume = (): void => {
    listener.pauses = false
    const { paused } = listener
    listener.paused = undefined
    paused?.resume()
    settle()
  }
  return { listener, one, two, there, here, settle, resume }
}

const kilobytes = (count: number): string => "x".repeat(count * 1000)

describe("a connection of two processes", () => {
  it("has no more on the way than the window, and a piece", () => {
    const { listener, one, settle, resume } = makePair("a")
    listener.pauses = true
    for (let count = 0; count < 30; count++) one.publish("a", kilobytes(100))
    assert.isBelow(settle(), window + 200_000)
    assert.lengthOf(listener.heard, 1)
    resume()
    assert.lengthOf(listener.heard, 30)
  })

  it("has publishers wait above a mark, and lets them go on when half of that is sent", () => {
    const { listener, one, there, settle, resume } = makePair("a")
    listener.pauses = true
    let behind: ReadonlyArray<Connection> | undefined
    for (let count = 0; behind === undefined; count++) {
      behind = one.publish("a", kilobytes(100))
      if (count % 2 === 0) settle()
      assert.isBelow(count * 100_000, window + highMark + 400_000)
    }
    assert.deepStrictEqual(behind, [there])
    let isDone = false
    there.outbox.whenDrained(() => {
      isDone = true
    })
    settle()
    assert.isFalse(isDone)
    resume()
    assert.isTrue(isDone)
    assert.isFalse(there.outbox.isBehind)
  })

  it("tells once in its place that messages are missing, each time", () => {
    const { listener, one, there, settle, resume } = makePair("a", "b")
    for (const round of ["first", "second"]) {
      listener.pauses = true
      listener.heard.length = 0
      for (let count = 0; count < 40 && !there.outbox.isBehind; count++) {
        one.publish("a", kilobytes(100))
        settle()
      }
      there.outbox.giveUp()
      assert.isFalse(there.outbox.isBehind)
      for (let count = 0; count < 3; count++) assert.isUndefined(one.publish("a", "lost"))
      one.publish("b", "lost")
      resume()
      one.publish("a", `after ${round}`.slice(0, 10))
      settle()
      const told = listener.heard.filter((line) => !line.startsWith("a xxx"))
      assert.deepStrictEqual(told, ["gap a overloaded", "gap b overloaded", `a ${`after ${round}`.slice(0, 10)}`])
    }
  })

  it("never keeps more than the limit, and tells one gap for all when there are many", () => {
    const topics = Array.from({ length: maxGaps + 5 }, (_, index) => `t${index}`)
    const { listener, one, settle, resume } = makePair("a", ...topics)
    listener.pauses = true
    const large = kilobytes(1000)
    for (let count = 0; count * large.length < hardLimit + 4 * window; count++) {
      one.publish("a", large)
      settle()
    }
    for (const topic of topics) one.publish(topic, "lost")
    resume()
    const gaps = listener.heard.filter((line) => line.startsWith("gap"))
    assert.lengthOf(gaps, maxGaps + 1)
    assert.strictEqual(gaps[0], "gap a overloaded")
    assert.strictEqual(gaps.at(-1), "gap all overloaded")
    const kept = listener.heard.filter((line) => line.startsWith("a ")).length * large.length
    assert.isAtMost(kept, hardLimit + 3 * window)
    assert.isAbove(kept, hardLimit)
  })

  it("takes the longest message, and says of a longer one that it is missing", () => {
    const { listener, one, settle } = makePair("a")
    one.publish("a", "y".repeat(maxText))
    settle()
    one.publish("a", "z".repeat(maxText + 1))
    one.publish("a", "ü")
    settle()
    assert.deepStrictEqual(listener.heard, ["a yyyyyyyyyy", "gap a overloaded", "a ü"])
  })

  it("ends when what comes is nothing of the protocol", () => {
    const tooLong = Buffer.alloc(4)
    tooLong.writeUInt32BE(maxFrame + 1)
    const nonsense = [
      Buffer.from([0, 0, 0, 0]),
      tooLong,
      Frames.empty(99),
      Frames.name(Frames.kinds.joined, "\u0005ab"),
      Frames.name(Frames.kinds.message, "\u0005ab"),
      Frames.empty(Frames.kinds.credit),
      Frames.greeting(Frames.kinds.hello, 5, "03")
    ]
    for (const bytes of nonsense) {
      const { here, listener } = makePair("a")
      here.receive(bytes)
      assert.deepStrictEqual(listener.heard, ["gone", "gap all disconnected", "lost"])
      assert.isFalse(here.isOpen)
    }
  })

  it("is not replaced by an older attempt, whose greeting comes late", () => {
    const listener = new Listener()
    const [lower, higher] = [new Mesh("01", listener), new Mesh("02", new Listener())]
    const given = higher.dial("01", port)
    const greeting = Buffer.from(given.take() ?? [])
    const [there, here] = [lower.dial("02", port), higher.accept(port)]
    here.receive(Buffer.from(there.take() ?? []))
    there.receive(Buffer.from(here.take() ?? []))
    assert.isTrue(there.isOpen && here.isOpen)
    const late = lower.accept(port)
    late.receive(greeting)
    assert.isTrue(there.isOpen)
    assert.isFalse(late.isOpen)
    assert.isEmpty(listener.heard)
    // One that was begun later takes its place: the other process has lost the first.
    const again = lower.accept(port)
    again.receive(Frames.greeting(Frames.kinds.hello, 2, "02"))
    assert.isTrue(again.isOpen)
    assert.isFalse(there.isOpen)
    assert.deepStrictEqual(listener.heard, ["gone", "gap all disconnected"])
  })

  it("is not replaced by an attempt that was given up, when the one after it was faster", () => {
    const listener = new Listener()
    const [lower, higher] = [new Mesh("01", listener), new Mesh("02", new Listener())]
    const first = higher.dial("01", port)
    const greeting = Buffer.from(first.take() ?? [])
    first.closed()
    const [there, here] = [higher.dial("01", port), lower.accept(port)]
    here.receive(Buffer.from(there.take() ?? []))
    const late = lower.accept(port)
    late.receive(greeting)
    assert.isTrue(here.isOpen)
    assert.isFalse(late.isOpen)
    assert.isEmpty(listener.heard)
  })

  it("begins with a gap on both sides when one of them has begun without the other, before any message", () => {
    const listeners = [new Listener(), new Listener()] as const
    const [one, two] = [new Mesh("01", listeners[0]), new Mesh("02", listeners[1])]
    one.want("messages", "a")
    two.want("messages", "a")
    const [there, here] = [one.dial("02", port), two.accept(port)]
    one.proceedWithout("02")
    here.receive(Buffer.from(there.take() ?? []))
    // What the second one wants comes but for the last byte, which is one of the number that ends it.
    const bytes = Buffer.from(here.take() ?? [])
    there.receive(bytes.subarray(0, -1))
    assert.isTrue(there.isOpen)
    one.publish("a", "early")
    there.receive(bytes.subarray(-1))
    one.publish("a", "later")
    here.receive(Buffer.from(there.take() ?? []))
    two.publish("a", "too")
    there.receive(Buffer.from(here.take() ?? []))
    assert.deepStrictEqual(listeners[1].heard, ["gap all disconnected", "a later"])
    assert.deepStrictEqual(listeners[0].heard, ["gap all disconnected", "a too"])
  })

  it("needs nothing for members who come and go while the peer cannot be written to", () => {
    const { here, one, settle, there, two } = makePair()
    two.want("members", "a")
    settle()
    for (let count = 0; count < 1000; count++) {
      one.join("a", `m${count}`, "{}")
      one.leave("a", `m${count}`)
    }
    assert.isUndefined(there.take())
    assert.isUndefined(here.take())
  })

  it("is none for whoever does not greet", () => {
    const tooLong = Buffer.alloc(4)
    tooLong.writeUInt32BE(1000)
    for (const bytes of [
      tooLong,
      Frames.name(Frames.kinds.hello, "GET / HTTP/1.1"),
      Frames.greeting(Frames.kinds.hello, 1, ""),
      Frames.greeting(Frames.kinds.welcome, 1, "02"),
      Frames.name(Frames.kinds.message, "\u0001ab")
    ]) {
      const listener = new Listener()
      let hasEnded = false
      const connection = new Mesh("01", listener).accept({ wake: () => {}, end: () => void (hasEnded = true) })
      connection.receive(bytes)
      assert.isTrue(hasEnded)
      assert.isEmpty(listener.heard)
      assert.isUndefined(connection.take())
    }
  })
})

describe("a process that leaves before the other one's greeting has come", () => {
  /** What the other process hears of it. */
  const heardOf = (isGreeted: boolean, isLate: boolean) => {
    const listener = new Listener()
    const one = new Mesh("01", new Listener())
    const two = new Mesh("02", listener)
    let isEnding = false
    const there = one.dial("02", { wake: () => {}, end: () => (isEnding = true) })
    const here = two.accept(port)
    const deliver = (): void => {
      for (let bytes = there.take(); bytes !== undefined; bytes = there.take()) here.receive(Buffer.from(bytes))
    }
    if (isGreeted) deliver()
    if (isLate) one.proceedWithout("02")
    one.depart()
    deliver()
    assert.isTrue(isEnding)
    here.closed()
    return listener.heard
  }

  it("is told as gone, and nothing as missing: it has published nothing", () => {
    for (const isGreeted of [true, false]) assert.deepStrictEqual(heardOf(isGreeted, false), ["gone"])
  })

  it("has told as missing what it may have published by then", () => {
    for (const isGreeted of [true, false]) {
      assert.deepStrictEqual(heardOf(isGreeted, true), ["gone", "gap all disconnected", "lost"])
    }
  })
})

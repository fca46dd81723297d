import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { Backlog, type Gap, type MissedReason, type Told, type Waiting } from "../../src/topics/Backlog.ts"
import { TopicMessage } from "../../src/topics/TopicMessage.ts"

const texts = (told: ReadonlyArray<Told>): ReadonlyArray<string> =>
  told.map((one) => (one instanceof TopicMessage ? one.text : `${one.reason} ${one.missed}`))

/** What was told, with gaps beside each other as one for each reason. */
const normalized = (told: ReadonlyArray<Told>): ReadonlyArray<string> => {
  const all: Array<string> = []
  let gaps = new Map<MissedReason, number>()
  const flush = () => {
    all.push(...[...gaps].toSorted().map(([reason, missed]) => `${reason} ${missed}`))
    gaps = new Map()
  }
  for (const one of told) {
    if (one instanceof TopicMessage) {
      flush()
      all.push(one.text)
    } else gaps.set(one.reason, (gaps.get(one.reason) ?? 0) + (one.missed ?? 1))
  }
  flush()
  return all
}

const gapOf = (reason: MissedReason): Gap => ({ type: "gap", reason, missed: 1 })

/** The same in a list, of which nothing is clever. */
class ListOfAll {
  all: Array<Told> = []
  readonly told: Array<Told> = []

  readonly capacity: number

  constructor(capacity: number) {
    this.capacity = capacity
  }

  get messages(): ReadonlyArray<TopicMessage> {
    return this.all.filter((one) => one instanceof TopicMessage)
  }

  get beyond(): ReadonlyArray<TopicMessage> {
    return this.messages.slice(this.capacity)
  }

  drop(message: TopicMessage | undefined): void {
    this.all = this.all.map((one) => (one === message ? gapOf("behind") : one))
  }

  /** Up to the next message, or to the end. */
  take(): void {
    const at = this.all.findIndex((one) => one instanceof TopicMessage)
    this.told.push(...this.all.splice(0, at === -1 ? this.all.length : at + 1))
  }
}

const moves = ["push", "push", "push", "miss", "dropFirst", "giveUp", "take", "takeAll"] as const

const Move = Schema.Struct({
  move: Schema.Literals(moves),
  pick: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 20 }))
})

describe("Backlog", () => {
  it.prop(
    "tells every message or gap in its place, whatever comes, goes and is given up",
    [Schema.Array(Move), Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 4 }))],
    ([steps, capacity]) => {
      const backlog = new Backlog(capacity)
      const list = new ListOfAll(capacity)
      const told: Array<Told> = []
      let beyond: Array<Waiting> = []
      const admitted = new Set<string>()
      let count = 0
      const takeMessage = () => {
        for (;;) {
          const one = backlog.take()
          if (one === undefined) return
          told.push(one)
          if (one instanceof TopicMessage) return
        }
      }
      for (const { move, pick } of steps) {
        beyond = beyond.filter(({ isBeyond }) => isBeyond)
        if (move === "push") {
          const message = new TopicMessage(`message ${count++}`)
          const entry = backlog.push(message)
          list.all.push(message)
          if (entry.isBeyond) {
            beyond.push(entry)
            entry.onRoom = () => admitted.add(message.text)
          }
        } else if (move === "miss") {
          const gap = gapOf(pick % 2 === 0 ? "disconnected" : "overloaded")
          backlog.miss(gap)
          list.all.push(gap)
        } else if (move === "dropFirst") {
          list.drop(list.messages[0])
          backlog.dropFirst()
        } else if (move === "giveUp") {
          const entry = beyond[pick % Math.max(1, beyond.length)]
          if (entry === undefined) continue
          list.drop(entry.message)
          backlog.giveUp(entry)
          // It is not there any more.
          backlog.giveUp(entry)
        } else if (move === "take") {
          takeMessage()
          list.take()
        } else {
          for (let rest = Math.min(capacity, list.messages.length); rest > 0; rest--) list.take()
          if (list.messages.length === 0) list.take()
          told.push(...backlog.takeAll())
        }
        assert.strictEqual(backlog.size, list.messages.length)
        assert.strictEqual(backlog.isFull, list.messages.length >= capacity)
        assert.strictEqual(backlog.isEmpty, list.all.length === 0)
        assert.deepStrictEqual(
          beyond.filter(({ isBeyond }) => isBeyond).map(({ message }) => message.text),
          list.beyond.map(({ text }) => text)
        )
      }
      while (!backlog.isEmpty) takeMessage()
      while (list.all.length > 0) list.take()
      assert.deepStrictEqual(normalized(told), normalized(list.told))
      for (const { isBeyond } of beyond) assert.isFalse(isBeyond)
    },
    { arbitrary: { runs: 500, size: 60 } }
  )

  it("keeps gaps beside each other as one for each reason", () => {
    const backlog = new Backlog(1)
    for (let time = 0; time < 1000; time++) {
      backlog.missOne()
      backlog.miss({ type: "gap", reason: "disconnected" })
    }
    assert.deepStrictEqual(texts(backlog.takeAll()), ["behind 1000", "disconnected undefined"])
    assert.isTrue(backlog.isEmpty)
  })

  it("tells those beyond the capacity once there is room for them, in their order", () => {
    const backlog = new Backlog(1)
    const roomy: Array<string> = []
    for (const text of ["a", "b", "c"]) {
      const entry = backlog.push(new TopicMessage(text))
      entry.onRoom = () => roomy.push(text)
    }
    assert.deepStrictEqual(texts(backlog.takeAll()), ["a"])
    assert.deepStrictEqual(roomy, ["b"])
    assert.deepStrictEqual(texts([backlog.take()].filter((one) => one !== undefined)), ["b"])
    assert.deepStrictEqual(roomy, ["b", "c"])
  })

  it("has nobody wait when it forgets everything", () => {
    const backlog = new Backlog(1)
    backlog.push(new TopicMessage("a"))
    const entry = backlog.push(new TopicMessage("b"))
    let isDone = false
    entry.onRoom = () => {
      isDone = true
    }
    backlog.clear()
    assert.isTrue(isDone)
    backlog.giveUp(entry)
    assert.deepStrictEqual([backlog.size, backlog.isEmpty, backlog.takeAll()], [0, true, []])
  })
})

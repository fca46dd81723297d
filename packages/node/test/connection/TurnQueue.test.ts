import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import { TurnQueue, type TurnTask } from "../../src/connection/TurnQueue.ts"
import { integer } from "../support/Properties.ts"

/** A task that does this when it is its turn. */
const doing = (endTurn: () => void): TurnTask => ({ turnAdded: 0, nextTask: undefined, endTurn })

const immediate = () => new Promise<void>((resolve) => setImmediate(resolve))

const turnsOfLoop = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await immediate()
}

/** A queue whose clock goes on only by what its tasks take. */
const queue = () => {
  const clock = { now: 0 }
  return {
    clock,
    turns: new TurnQueue(
      () => {},
      undefined,
      () => clock.now
    )
  }
}

describe("TurnQueue", () => {
  it("runs what was added once, in order, before the event loop goes on", async () => {
    const events: Array<string> = []
    const { turns } = queue()
    const task = (name: string) => doing(() => void events.push(name))
    const nextTurn = immediate().then(() => events.push("next turn"))
    turns.add(task("first"))
    turns.add(task("second"))
    assert.deepStrictEqual(events, [])
    await nextTurn
    assert.deepStrictEqual(events, ["first", "second", "next turn"])
  })

  it("takes tasks that are added while it runs", async () => {
    const events: Array<string> = []
    const { turns } = queue()
    turns.add(
      doing(() => {
        events.push("first")
        turns.add(doing(() => void events.push("added")))
      })
    )
    await immediate()
    assert.deepStrictEqual(events, ["first", "added"])
    turns.add(doing(() => void events.push("later")))
    await immediate()
    assert.deepStrictEqual(events, ["first", "added", "later"])
  })

  it("runs a task once that is added twice, and again when it is added by itself", async () => {
    const events: Array<string> = []
    const { turns } = queue()
    let again = 1
    const task = doing(() => {
      events.push("run")
      if (again-- > 0) turns.add(task)
    })
    turns.add(task)
    turns.add(task)
    await immediate()
    assert.deepStrictEqual(events, ["run", "run"])
    assert.strictEqual(task.turnAdded, 0)
  })

  it("lets a few tasks that take long go on in the next turn, those that they add too", async () => {
    const { clock, turns } = queue()
    const done: Array<number> = []
    const task = doing(() => {
      clock.now += 0.1
      if (done.push(done.length) < 640) turns.add(task)
    })
    turns.add(task)
    await Promise.resolve()
    // As many as are run without looking at the clock, and then until 4 ms have passed since.
    assert.strictEqual(done.length, 128)
    await turnsOfLoop(10)
    assert.strictEqual(done.length, 640)
    assert.strictEqual(task.turnAdded, 0)
  })
})

describe("TurnQueue with a crowd", () => {
  /** Connections that collect what is written to them until it is their turn, which takes so many milliseconds. */
  const crowdOf = (count: number, duration = 0) => {
    const { clock, turns } = queue()
    const clients = Array.from({ length: count }, () => {
      const writes: Array<number> = []
      const client = {
        waiting: 0,
        writes,
        task: doing(() => {
          clock.now += duration
          writes.push(client.waiting)
          client.waiting = 0
        })
      }
      return client
    })
    const publish = (): void => {
      for (const client of clients) {
        client.waiting++
        turns.add(client.task)
      }
    }
    return { clients, clock, publish, turns }
  }

  /** What was written to each, which has to be the same for all. */
  const writesOfAll = ({ clients }: ReturnType<typeof crowdOf>): ReadonlyArray<number> | undefined => {
    const [first] = clients
    for (const { writes } of clients) assert.deepStrictEqual(writes, first?.writes)
    return first?.writes
  }

  it("writes to all when the event loop has looked at all sockets", async () => {
    const crowd = crowdOf(64)
    crowd.publish()
    await Promise.resolve()
    assert.deepStrictEqual(writesOfAll(crowd), [])
    await turnsOfLoop(2)
    assert.deepStrictEqual(writesOfAll(crowd), [1])
  })

  it("writes at once to fewer", async () => {
    const crowd = crowdOf(63)
    crowd.publish()
    await Promise.resolve()
    assert.deepStrictEqual(writesOfAll(crowd), [1])
  })

  it("writes once to each what comes in one turn and in those right behind it", async () => {
    const crowd = crowdOf(1000)
    for (let message = 0; message < 3; message++) {
      crowd.publish()
      await immediate()
    }
    await turnsOfLoop(3)
    assert.deepStrictEqual(writesOfAll(crowd), [3])
  })

  it("waits no longer for more than writing takes, and 4 ms at most", async () => {
    for (const [size, longest] of [
      [500, 2],
      [2000, 4]
    ] as const) {
      const crowd = crowdOf(size)
      let messages = 0
      const publish = async () => {
        crowd.publish()
        messages++
        await immediate()
      }
      await publish()
      while (writesOfAll(crowd)?.length === 0) {
        crowd.clock.now += 0.5
        await publish()
      }
      assert.strictEqual(crowd.clock.now, longest)
      await turnsOfLoop(3)
      const writes = writesOfAll(crowd) ?? []
      assert.strictEqual(
        writes.reduce((sum, count) => sum + count),
        messages
      )
      assert.isAtMost(writes.length, 2)
    }
  })

  it("lets the event loop look at everything else when it takes long, and others write in between", async () => {
    const { clock, turns } = queue()
    const done: Array<number> = []
    for (let number = 0; number < 640; number++) {
      turns.add(
        doing(() => {
          done.push(number)
          clock.now += 0.1
        })
      )
    }
    while (done.length === 0) await immediate()
    assert.strictEqual(done.length, 128)
    turns.add(doing(() => void done.push(-1)))
    await Promise.resolve()
    assert.strictEqual(done[128], -1)
    done.splice(128, 1)
    await turnsOfLoop(10)
    assert.deepStrictEqual(
      done,
      Array.from({ length: 640 }, (_, number) => number)
    )
  })

  it("gathers the next one while one is written to", async () => {
    const crowd = crowdOf(200, 0.1)
    const late = Array.from({ length: 100 }, () => doing(() => void lateWrites.push(crowd.clock.now)))
    const lateWrites: Array<number> = []
    crowd.publish()
    await turnsOfLoop(2)
    assert.strictEqual(crowd.clients.filter(({ writes }) => writes.length > 0).length, 128)
    // What comes for those whose turn is still to come goes out with it.
    crowd.publish()
    for (const task of late) crowd.turns.add(task)
    await turnsOfLoop(10)
    const writes = crowd.clients.map((client) => client.writes.join())
    assert.deepStrictEqual(writes, [
      ...Array.from({ length: 128 }, () => "1,1"),
      ...Array.from({ length: 72 }, () => "2")
    ])
    assert.strictEqual(lateWrites.length, 100)
    // Behind the 200 first writes of the first message.
    for (const at of lateWrites) assert.isAtLeast(at, 20 - 1e-6)
  })

  it("lets others write while it waits", async () => {
    const crowd = crowdOf(1000)
    const written: Array<string> = []
    crowd.publish()
    await Promise.resolve()
    crowd.turns.add(doing(() => void written.push("other")))
    await Promise.resolve()
    assert.deepStrictEqual(written, ["other"])
    assert.deepStrictEqual(writesOfAll(crowd), [])
    await turnsOfLoop(2)
    assert.deepStrictEqual(writesOfAll(crowd), [1])
  })

  it.effect("runs each task as often as it has to", () =>
    Effect.gen(function* () {
      const steps = Arbitrary.array(integer(0, 300), { maxLength: 30 })
      const result = yield* Arbitrary.checkEffect(steps, (counts) => Effect.promise(() => tryCrowd(counts)), {
        runs: 50,
        size: 30
      })
      assert.isUndefined(Arbitrary.formatCheckFailure(result))
    })
  )
})

/** Writes to so many clients in each step; answers whether all was written, and nothing without need. */
const tryCrowd = async (counts: ReadonlyArray<number>): Promise<boolean> => {
  const { clock, turns } = queue()
  let needless = 0
  const clients = Array.from({ length: 300 }, (_, index) => {
    const client = {
      isWaiting: false,
      task: doing(() => {
        clock.now += (index % 7) / 100
        if (!client.isWaiting) needless++
        client.isWaiting = false
      })
    }
    return client
  })
  for (const [step, count] of counts.entries()) {
    for (const client of clients.slice(0, count)) {
      client.isWaiting = true
      turns.add(client.task)
    }
    if (step % 3 === 0) await immediate()
    else if (step % 3 === 1) await Promise.resolve()
  }
  await turnsOfLoop(20)
  return needless === 0 && clients.every(({ isWaiting, task }) => !isWaiting && task.turnAdded === 0)
}

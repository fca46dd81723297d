import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import { integer, makeProperty } from "../support/Properties.ts"
import { MeshWorld, type Process } from "./support/MeshWorld.ts"

const property = makeProperty(100, 150)

/** What happens next: a kind of move, and numbers that pick what it happens to. */
interface Move {
  readonly kind: number
  readonly pick: number
  readonly amount: number
}

const move: Arbitrary.Arbitrary<Move> = Arbitrary.all({
  kind: integer(0, 99),
  pick: integer(0, 999),
  amount: integer(0, 60)
})

const moves: Arbitrary.Arbitrary<ReadonlyArray<Move>> = Arbitrary.array(move, { minLength: 50, maxLength: 250 })

/** More of them: of two processes a move is done in no time. */
const manyMoves: typeof moves = Arbitrary.array(move, { minLength: 200, maxLength: 300 })

const topics = ["a", "b", "ü"]

const withPicked = <A>(values: ReadonlyArray<A>, pick: number, body: (value: A) => void): void => {
  const value = values[pick % Math.max(1, values.length)]
  if (value !== undefined) body(value)
}

/** Ids whose order has nothing to do with that of the starts. */
const idOf = (index: number): string => ((index * 7919 + 104_729) % 65_536).toString(16).padStart(4, "0")

interface Danger {
  readonly kills: boolean
  readonly cuts: boolean
  readonly large: boolean
}

const act = (world: MeshWorld, { amount, kind, pick }: Move, danger: Danger): void => {
  const topic = topics[amount % topics.length] ?? "a"
  const withBegun = (body: (process: Process) => void) => withPicked(world.begun, pick, body)
  const movable = world.ends.filter(({ hasEnded }) => !hasEnded)
  if (kind < 15) return withPicked(movable, pick, (end) => world.pump(end))
  if (kind < 40)
    return withPicked(world.underWay, pick, (end) => world.deliver(end, amount < 50 ? amount : amount ** 3))
  if (kind < 55) return withBegun((one) => world.publish(one, topic, danger.large && amount > 30 ? 900_000 : 0))
  if (kind < 61) return withBegun((one) => world.subscribe(one, topic))
  if (kind < 64) return withBegun((one) => world.unsubscribe(one, topic))
  if (kind < 68) return withBegun((one) => world.join(one, topic))
  if (kind < 71) return withBegun((one) => withPicked([...one.members.keys()], amount, (id) => world.leave(one, id)))
  if (kind < 75) return withBegun((one) => world.watch(one, topic))
  if (kind < 77) return withBegun((one) => world.unwatch(one, topic))
  if (kind < 78) return withPicked(world.paused, pick, (end) => world.resume(end))
  if (kind < 83) return withBegun((one) => void (one.pausesAt = 1 + (amount % 5)))
  if (kind < 84) return withPicked(world.running, pick, (one) => world.look(one))
  if (kind < 86) return world.running.forEach((one) => world.retry(one))
  if (kind < 89) return world.processes.length < 8 ? void world.start(idOf(world.processes.length)) : undefined
  // Some have not begun.
  if (kind < 91)
    return world.begun.length > 2 ? withPicked(world.listening, pick, (one) => world.depart(one)) : undefined
  if (kind < 93 && danger.kills && world.running.length > 2)
    return withPicked(world.running, pick, (one) => world.crash(one, amount))
  if (kind < 95 && danger.cuts)
    return withPicked(movable, pick, (end) => {
      world.cut(end)
      if (amount % 2 === 0) for (const one of world.running) world.retry(one)
    })
  if (kind < 97) return withBegun((one) => one.mesh.connections.forEach(({ outbox }) => outbox.giveUp()))
  if (kind === 97) return withPicked(world.running, pick, (one) => one.waiting.forEach((peer) => proceed(one, peer)))
  return world.settle()
}

/** Two processes, one topic: what is published while connections break and subscribers are slow. */
const talk = (world: MeshWorld, { amount, kind, pick }: Move): void => {
  const one = world.running[pick % 2]
  if (one === undefined) return
  const movable = world.ends.filter(({ hasEnded }) => !hasEnded)
  if (kind < 10) return world.publish(one, "a")
  if (kind < 35) return withPicked(world.underWay, pick, (end) => world.deliver(end, amount))
  if (kind < 55) return movable.forEach((end) => world.pump(end))
  if (kind < 62) return void (one.pausesAt = 1 + (amount % 3))
  if (kind < 64) return withPicked(world.paused, pick, (end) => world.resume(end))
  if (kind < 68) return withPicked(movable, pick, (end) => world.cut(end))
  if (kind < 78) return world.running.forEach((each) => world.retry(each))
  if (kind < 84) return world.settle({ areSlow: true })
  if (kind < 90) return world.subscribe(one, "a")
  if (kind < 91) return world.unsubscribe(one, "a")
  return withPicked(world.underWay, pick, (end) => world.deliver(end, 5000))
}

/** Two processes, one topic: who comes and goes while others begin to watch, and end it. */
const crowd = (world: MeshWorld, { amount, kind, pick }: Move): void => {
  const one = world.running[pick % 2]
  if (one === undefined) return
  const movable = world.ends.filter(({ hasEnded }) => !hasEnded)
  if (kind < 4) return world.join(one, "a")
  if (kind < 10) return withPicked([...one.members.keys()], amount, (id) => world.leave(one, id))
  if (kind < 40) return withPicked(movable, pick, (end) => world.pump(end))
  if (kind < 70) return withPicked(world.underWay, pick, (end) => world.deliver(end, amount))
  if (kind < 85) return world.watch(one, "a")
  if (kind < 93) return world.unwatch(one, "a")
  if (kind === 99) return world.settle()
  world.unwatch(one, "a")
  world.watch(one, "a")
}

const playOfTwo = (given: ReadonlyArray<Move>, act: (world: MeshWorld, move: Move) => void): MeshWorld => {
  const world = new MeshWorld()
  world.start(idOf(0))
  world.start(idOf(1))
  world.settle()
  for (const one of given) act(world, one)
  world.settle()
  return world
}

const proceed = (one: Process, peer: string): void => {
  one.mesh.proceedWithout(peer)
  one.waiting.delete(peer)
}

const play = (given: ReadonlyArray<Move>, danger: Danger): MeshWorld => {
  const world = new MeshWorld()
  world.start(idOf(0))
  world.start(idOf(1))
  for (const move of given) act(world, move, danger)
  world.settle()
  return world
}

const check = (world: MeshWorld): void => {
  world.checkOrder()
  world.checkGaps()
  world.checkRest()
}

describe("processes that know each other, whatever happens when", () => {
  property("lose nothing while nobody is killed", moves, (given) => {
    const world = play(given, { kills: false, cuts: false, large: false })
    check(world)
    const late = given.some(({ kind }) => kind === 97)
    if (!late) assert.isFalse(world.processes.some(({ log }) => log.some(({ type }) => type === "gap")))
  })

  property("tell gaps in their place when some are killed in the middle of a byte sequence", moves, (given) => {
    check(play(given, { kills: true, cuts: false, large: false }))
  })

  property("find each other again when connections break", moves, (given) => {
    check(play(given, { kills: true, cuts: true, large: false }))
  })

  property("tell gaps when more is published than is read", moves, (given) => {
    check(play(given, { kills: true, cuts: true, large: true }))
  })
})

describe("two processes, whatever happens when", () => {
  property(
    "keep the order and tell gaps in their place when connections break while subscribers are slow",
    manyMoves,
    (given) => {
      check(playOfTwo(given, talk))
    }
  )

  property("know who is in a topic, whoever watches it when", manyMoves, (given) => {
    check(playOfTwo(given, crowd))
  })
})

describe("processes of different versions", () => {
  it("refuse each other, and go on with their like", () => {
    const world = new MeshWorld()
    const [old, other] = [world.start("aa", 1), world.start("bb", 1)]
    world.settle()
    const [fresh, next] = [world.start("01", 2), world.start("ff", 2)]
    world.settle()
    world.checkRest()
    assert.isAbove(world.versionsRefused, 0)
    for (const one of [old, other, fresh, next]) world.subscribe(one, "a")
    world.settle()
    world.publish(old, "a")
    world.publish(fresh, "a")
    world.settle()
    const heard = (one: Process) => one.log.flatMap((entry) => (entry.type === "message" ? [entry.from] : []))
    assert.deepStrictEqual([old, other, fresh, next].map(heard), [[], ["aa"], [], ["01"]])
  })
})

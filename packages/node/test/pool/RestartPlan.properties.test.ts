import { assert, describe } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import type { PoolEvent, Timer } from "../../src/pool/PoolEvent.ts"
import { initial, step } from "../../src/pool/RestartPlan.ts"
import { PoolWorld } from "../supervisor/support/PoolWorld.ts"
import { settings } from "../supervisor/support/settings.ts"
import { integer, makeProperty } from "../support/Properties.ts"

const property = makeProperty(200, 80)

/** What happens next: a kind of move, and a number that picks one of the things it can happen to. */
interface Move {
  readonly kind: number
  readonly pick: number
}

const move: Arbitrary.Arbitrary<Move> = Arbitrary.all({ kind: integer(0, 99), pick: integer(0, 999) })

const picked = <A>(values: ReadonlyArray<A>, pick: number): A | undefined => values[pick % Math.max(1, values.length)]

const withPicked = <A>(values: ReadonlyArray<A>, pick: number, body: (value: A) => void): void => {
  const value = picked(values, pick)
  if (value !== undefined) body(value)
}

const codes = [0, 1, 2, 5, 66, 67, 6, null]

/** Says something that is not true, or comes too late. */
const mislead = (world: PoolWorld, pick: number): void => {
  const id = Math.floor(pick / 8) % (world.state.nextId + 1)
  const process = world.processes.get(id)
  const timer: Timer = `${(["boot", "leave", "kill", "respawn"] as const)[pick % 4] ?? "boot"}:${id}`
  const { now } = world
  if (pick % 8 === 0 && process?.doing !== "boot") world.send({ type: "ready", id, now })
  if (pick % 8 === 1 && (process === undefined || process.doing === "drain")) world.send({ type: "stopping", id })
  if (pick % 8 === 2 && process?.doing !== "serve") world.send({ type: "silent", id })
  if (pick % 8 === 3 && process?.doing !== "serve") world.send({ type: "quota", id })
  if (pick % 8 === 4 && process === undefined) world.send({ type: "exited", id, code: 1, signal: null, now })
  if (pick % 8 === 5 && !world.timers.has(timer)) world.send({ type: "elapsed", timer })
  if (pick % 8 === 6 && world.successor !== "starting") world.send({ type: "successorReady" })
  if (pick % 8 === 7) world.send({ type: "start" })
}

/** Time passes, and workers say how they are; some also where they are asked to leave. */
const everybodyReports = (world: PoolWorld, pick: number): void => {
  const isBusy = pick % 3 > 0
  for (let second = 0; second < pick % 90; second++) {
    world.now += 1000
    for (const process of world.all(({ doing }) => doing !== "boot")) {
      const isAbove = pick % 5 === 0 && (process.slot + pick) % 2 === 0
      world.report(process, {
        memory: isAbove ? 2000 : 500,
        lag: pick % 7 === 0 ? 3000 : 1,
        utilization: isBusy ? 0.99 : 0.01
      })
    }
  }
}

type Moves = ReadonlyArray<readonly [weight: number, move: (world: PoolWorld, pick: number) => void]>

const alive: Moves = [
  [
    20,
    (world, pick) =>
      withPicked(
        world.all((p) => p.doing === "boot"),
        pick,
        (p) => world.ready(p)
      )
  ],
  [
    10,
    (world, pick) =>
      withPicked(
        world.all((p) => p.doing === "drain"),
        pick,
        (p) => world.exit(p, p.isKilled ? null : 0)
      )
  ],
  [12, (world, pick) => withPicked([...world.processes.values()], pick, (p) => world.exit(p, codes[pick % 8] ?? null))],
  [
    3,
    (world, pick) =>
      withPicked(
        world.all((p) => p.doing !== "drain"),
        pick,
        (p) => world.stopping(p)
      )
  ],
  [4, (world, pick) => withPicked(world.serving, pick, (p) => world.silent(p))],
  [6, (world, pick) => withPicked(world.serving, pick, ({ id }) => world.send({ type: "quota", id }))],
  [10, (world, pick) => withPicked([...world.timers.keys()], pick, (timer) => world.elapse(timer))],
  [6, (world) => world.command("reload")],
  [2, (world) => world.command("add")],
  [3, (world) => world.command("remove")],
  [10, (world, pick) => everybodyReports(world, pick)],
  [1, (world) => world.command("reopenLogs")],
  [3, (world) => world.command("hotRestart")],
  [2, (world) => world.successor === "starting" && world.successorReady()],
  [2, (world) => world.successor !== "none" && world.successorExits()],
  [4, mislead],
  [1, (world, pick) => (world.now += pick * 50)],
  [1, (world, pick) => pick % 3 === 0 && world.command("stop")]
]

const make = (world: PoolWorld, { kind, pick }: Move): void => {
  let rest = kind
  for (const [weight, move] of alive) {
    if (rest < weight) return move(world, pick)
    rest -= weight
  }
}

/** From now on every worker does what it should, except that some only end when they are killed. */
const settle = (world: PoolWorld): void => {
  for (let steps = 0; !world.hasEnded; steps++) {
    assert.isBelow(steps, 1000, "steps until nothing happens any more")
    const killed = picked(
      world.all(({ isKilled }) => isKilled),
      0
    )
    const booting = picked(
      world.all(({ doing }) => doing === "boot"),
      steps
    )
    const draining = picked(
      world.all(({ id, doing, isSilent }) => doing === "drain" && !isSilent && id % 3 > 0),
      steps
    )
    const [timer] = [...world.timers].toSorted(([, a], [, b]) => a - b)[0] ?? []
    if (killed !== undefined) world.exit(killed, null)
    else if (booting !== undefined) world.ready(booting)
    else if (draining !== undefined) world.exit(draining, 0)
    else if (world.successor === "killed" || (world.successor === "ending" && steps % 2 === 0)) world.successorExits()
    else if (timer !== undefined) world.elapse(timer)
    else return
  }
}

const started = (workers: number, scale: number): PoolWorld => {
  const world = new PoolWorld(workers, scale)
  world.send({ type: "start" })
  return world
}

const checkSettled = (world: PoolWorld): void => {
  const { slots, replacing, stale, isReloading, phase } = world.state
  const failed = slots.filter(({ failure }) => failure !== undefined).length
  if (phase === "stopped") return
  assert.strictEqual(phase, "running")
  assert.strictEqual(world.stops, 0)
  const surplus = failed === world.target ? world.processes.size : 0
  assert.isAtMost(surplus, 1)
  assert.lengthOf(world.serving, world.target - failed + surplus)
  assert.strictEqual(world.processes.size, world.serving.length)
  assert.deepStrictEqual([replacing, stale, isReloading], [undefined, [], false])
}

const moves = Arbitrary.array(move, { maxLength: 80 })

const story = Arbitrary.all({ workers: integer(1, 4), scale: integer(0, 3), moves })

interface Story {
  readonly workers: number
  readonly scale: number
  readonly moves: ReadonlyArray<Move>
}

const lived = ({ moves, scale, workers }: Story): PoolWorld => {
  const world = started(workers, scale)
  for (const move of moves) make(world, move)
  return world
}

// events that need not fit to anything -----------------------------------------------------------------------------------

const types = [
  "start",
  "ready",
  "stopping",
  "quota",
  "report",
  "exited",
  "silent",
  "elapsed",
  "reload",
  "add",
  "remove",
  "reopenLogs",
  "stop",
  "hotRestart",
  "successorReady",
  "successorExited"
] as const satisfies ReadonlyArray<PoolEvent["type"]>

const timersOf = (id: number): ReadonlyArray<Timer> => [
  `boot:${id}`,
  `leave:${id}`,
  `kill:${id}`,
  `respawn:${id}`,
  "successor"
]

const load = (pick: number) => ({ memory: pick, lag: pick % 10, utilization: pick / 999 })

const anyEvent: Arbitrary.Arbitrary<PoolEvent> = Arbitrary.all([
  integer(0, 99),
  integer(0, 12),
  integer(0, 7),
  move
]).pipe(
  Arbitrary.map(([kind, id, choice, { pick }]) => {
    const type = picked(types, kind) ?? "start"
    const code = codes[choice] ?? null
    const timer = picked(timersOf(id), choice) ?? "successor"
    return { type, id, code, signal: code === null ? "SIGKILL" : null, now: pick * 100, timer, ...load(pick) }
  })
)

describe("RestartPlan properties", () => {
  property("a pool gets back to its size or stops, whatever has happened to it", story, (input) => {
    const world = lived(input)
    settle(world)
    checkSettled(world)
  })

  property("a reload in the end heals it, and leaves no worker from before", story, (input) => {
    const world = lived(input)
    world.command("reload")
    settle(world)
    checkSettled(world)
    if (world.hasEnded) return
    assert.lengthOf(world.serving, world.target)
    for (const { id } of world.serving) assert.isAtLeast(id, world.reloadedFrom)
  })

  property("it stops when it is told, whatever happens to it", Arbitrary.all([story, moves]), ([input, others]) => {
    const world = lived(input)
    world.command("stop")
    for (const move of others) make(world, move)
    settle(world)
    assert.isTrue(world.hasEnded)
  })

  property("nothing that is not true makes it fail, or go on after its end", Arbitrary.array(anyEvent), (events) => {
    let state = initial({ ...settings, minimum: 1, maximum: 5, maxMemory: 500, maxLag: 5 })
    let exits = 0
    for (const event of events) {
      const before = structuredClone(state)
      const next = step(state, event)
      assert.deepStrictEqual(state, before)
      if (exits > 0) assert.isEmpty(next.actions)
      exits += next.actions.filter(({ type }) => type === "exit").length
      assert.isAtMost(exits, 1)
      state = next.state
    }
  })
})

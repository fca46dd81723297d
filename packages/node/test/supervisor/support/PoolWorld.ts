/** Processes, timers and a successor as a pool has them, without any process; every step is checked. */
import { assert } from "@effect/vitest"
import type { PoolAction, PoolEvent, Timer, WorkerId } from "../../../src/pool/PoolEvent.ts"
import type { PoolState } from "../../../src/pool/PoolState.ts"
import { initial, step } from "../../../src/pool/RestartPlan.ts"
import * as StartFailure from "../../../src/pool/StartFailure.ts"
import * as Checks from "./Checks.ts"
import { settings } from "./settings.ts"

interface Process {
  readonly id: WorkerId
  readonly slot: number
  doing: "boot" | "serve" | "drain"
  /** A silent one serves nobody. */
  isSilent: boolean
  isKilled: boolean
}

export class PoolWorld {
  state: PoolState
  readonly processes = new Map<WorkerId, Process>()
  /** When each one elapses. */
  readonly timers = new Map<Timer, number>()
  successor: "none" | "starting" | "ready" | "ending" | "killed" = "none"
  now = 0
  target: number
  stops = 0
  exits: ReadonlyArray<Extract<PoolAction, { type: "exit" }>> = []
  /** The first worker that was started after the last reload. */
  reloadedFrom = 0
  hasBeenReady = false
  #isRunning = false
  #isReloading = false
  #isScaling = false
  #servings = 0

  /** The pool scales itself by up to so many workers less and more. */
  constructor(workers: number, scale = 0) {
    this.target = workers
    const bounds = { minimum: Math.max(1, workers - scale), maximum: workers + scale }
    this.state = initial({ ...settings, ...bounds, workers, maxMemory: 1000, maxLag: 1000 })
  }

  /** Those that serve, as far as the pool can know. */
  get serving(): ReadonlyArray<Process> {
    return this.all(({ doing, isSilent, isKilled }) => doing === "serve" && !isSilent && !isKilled)
  }

  all(applies: (process: Process) => boolean): ReadonlyArray<Process> {
    return [...this.processes.values()].filter(applies)
  }

  get hasEnded(): boolean {
    return this.exits.length > 0
  }

  // what happens ---------------------------------------------------------------------------------------------------------

  ready(process: Process): void {
    process.doing = "serve"
    this.hasBeenReady ||= true
    this.send({ type: "ready", id: process.id, now: this.now })
  }

  stopping(process: Process): void {
    process.doing = "drain"
    this.send({ type: "stopping", id: process.id })
  }

  silent(process: Process): void {
    process.isSilent = true
    this.send({ type: "silent", id: process.id })
  }

  /** It exits by itself with a code, or is killed. */
  exit({ id, slot, doing }: Process, code: number | null): void {
    this.processes.delete(id)
    this.send({ type: "exited", id, code, signal: code === null ? "SIGKILL" : null, now: this.now })
    const failure = StartFailure.ofExitCode(code)
    const mayRetry = failure?.mayPass === true && this.hasBeenReady
    const hasFailed = failure !== undefined && !mayRetry && doing === "boot" && id >= this.reloadedFrom
    if (hasFailed) assert.isEmpty(this.all((other) => other.slot === slot && other.doing === "boot"))
  }

  /** It says how it is; the pool may have more or fewer workers from then on. */
  report({ id }: Process, how: { readonly memory: number; readonly lag: number; readonly utilization: number }): void {
    const before = this.state.slots.length
    const { maximum, minimum } = this.state
    const most = Math.max(before + 1, Math.floor(before * 1.5))
    this.#isScaling = true
    this.send({ type: "report", id, now: this.now, ...how })
    this.#isScaling = false
    if (!this.#isRunning || this.stops > 0) return
    Checks.isAtLeast(this.target, Math.max(minimum, before - 1), "workers after a report")
    Checks.isAtMost(this.target, Math.min(maximum, most), "workers after a report")
  }

  elapse(timer: Timer): void {
    this.now = Math.max(this.now, this.timers.get(timer) ?? 0)
    this.timers.delete(timer)
    this.send({ type: "elapsed", timer })
  }

  command(type: "reload" | "add" | "remove" | "reopenLogs" | "stop" | "hotRestart"): void {
    if (type === "stop") this.stops++
    if (this.#isRunning && this.stops === 0 && !this.hasEnded) {
      if (type === "reload") this.reloadedFrom = this.state.nextId
      if (type === "add") this.target++
      if (type === "remove") this.target = Math.max(1, this.target - 1)
    }
    this.send({ type })
  }

  successorReady(): void {
    this.successor = "ready"
    this.send({ type: "successorReady" })
  }

  successorExits(): void {
    this.successor = "none"
    this.send({ type: "successorExited", code: 1, signal: null })
  }

  /** Tells the pool something, also what is not true. */
  send(event: PoolEvent): void {
    const couldServe = this.serving.length > 0
    const hadEnded = this.hasEnded
    const { state, actions } = step(this.state, event)
    this.state = state
    if (this.#isScaling && this.#isRunning && this.stops === 0) this.target = state.slots.length
    if (event.type === "start") this.#isRunning = true
    if (hadEnded) Checks.isEqual(actions.length, 0, "actions after the end")
    for (const action of actions) this.#do(action)
    if (couldServe && this.stops === 0) Checks.isTrue(this.serving.length > 0, "workers that serve")
    if (this.hasEnded) this.#checkEnd()
    else this.#check()
  }

  // what the pool does ---------------------------------------------------------------------------------------------------

  #do(action: PoolAction): void {
    assert.isFalse(this.hasEnded, "an action after the exit")
    switch (action.type) {
      case "spawn":
        return this.#spawn(action.id, action.slot)
      case "retire":
        assert.notStrictEqual(this.#process(action.id).doing, "drain", "a worker that is retired twice")
        this.#process(action.id).doing = "drain"
        return
      case "kill":
        return this.#kill(this.#process(action.id), action.signal)
      case "schedule":
        assert.isFalse(this.timers.has(action.timer), `${action.timer} runs already`)
        assert.isAbove(action.delay, 0)
        this.timers.set(action.timer, this.now + action.delay)
        return
      case "cancel":
        return assert.isTrue(this.timers.delete(action.timer), `${action.timer} does not run`)
      case "reopenLogs":
        return void this.#process(action.id)
      case "log":
        return assert.match(action.message, /^(?!.*(undefined|null|NaN)).{10,}$/)
      case "exit":
        assert.strictEqual(action.keepsSockets, this.successor === "ready")
        this.exits = [...this.exits, action]
        return
      case "killSuccessor":
        if (action.signal === "SIGTERM") assert.strictEqual(this.successor, "starting")
        else assert.include(["ending", "killed"], this.successor)
        this.successor = action.signal === "SIGTERM" ? "ending" : "killed"
        return
      default:
        return this.#announce(action.type)
    }
  }

  #process(id: WorkerId): Process {
    const process = this.processes.get(id)
    if (process === undefined) throw new Error(`there is no process ${id}`)
    return process
  }

  #spawn(id: WorkerId, slot: number): void {
    assert.strictEqual(this.stops, 0, "a worker is started while the pool stops")
    assert.isBelow(Math.max(0, ...this.processes.keys()), id)
    assert.isAtMost(slot, this.target)
    this.processes.set(id, { id, slot, doing: "boot", isSilent: false, isKilled: false })
  }

  #kill(process: Process, signal: "SIGTERM" | "SIGKILL"): void {
    if (signal === "SIGKILL") process.isKilled = true
    else assert.isTrue(process.isSilent, "SIGTERM for a worker that is not silent")
    process.doing = "drain"
  }

  #announce(type: "serving" | "reloading" | "reloaded" | "startSuccessor"): void {
    switch (type) {
      case "serving":
        assert.isAtLeast(this.serving.length, 1)
        for (const { current, failure } of this.state.slots) {
          if (failure === undefined) assert.strictEqual(this.state.workers.get(current ?? 0)?.phase, "serving")
        }
        return assert.strictEqual(++this.#servings, 1)
      case "reloading":
      case "reloaded":
        assert.strictEqual(this.#isReloading, type === "reloaded")
        this.#isReloading = type === "reloading"
        return
      case "startSuccessor":
        assert.strictEqual(this.successor, "none")
        this.successor = "starting"
    }
  }

  // what must hold -------------------------------------------------------------------------------------------------------

  #check(): void {
    const { state } = this
    Checks.haveSameMembers(state.workers, this.processes, "workers")
    Checks.haveSameMembers(state.timers, this.timers, "timers")
    const isAwaited = this.successor === "starting" || this.successor === "ending"
    Checks.isEqual(this.timers.has("successor"), isAwaited, "the timer of the successor")
    for (const process of this.processes.values()) if (!process.isKilled) this.#checkLimit(process)
    if (this.#isRunning && this.stops === 0) this.#checkSlots()
  }

  /** Whatever a worker does not do by itself, a timer brings about; after a second stop nothing but the end is left. */
  #checkLimit({ id, doing }: Process): void {
    Checks.isTrue(this.stops < 2, "a worker is not killed")
    if (this.stops > 0) Checks.isEqual(doing, "drain", "what a worker does while the pool stops")
    Checks.isEqual(this.timers.has(`boot:${id}`), doing === "boot", "the timer boot of a worker")
    const isLimited = this.timers.has(`leave:${id}`) || this.timers.has(`kill:${id}`)
    Checks.isEqual(isLimited, doing === "drain", "the timer leave or kill of a worker")
  }

  #checkSlots(): void {
    const { slots, replacing, stale } = this.state
    Checks.isEqual(slots.length, this.target, "slots")
    Checks.isAtLeast(slots.length, this.state.minimum, "slots")
    Checks.isAtMost(slots.length, this.state.maximum, "slots")
    Checks.isAtLeast(this.state.minimum, 1, "the minimum")
    const outdated = [...stale.map(({ id }) => id), ...(replacing === undefined ? [] : [replacing.id])]
    Checks.isEqual(new Set(outdated).size, outdated.length, "workers that are outdated once")
    for (const id of outdated) {
      Checks.isTrue((this.processes.get(id)?.doing ?? "drain") !== "drain", "an outdated worker drains")
    }
    let replacements = 0
    let waiting = 0
    for (const [index, slot] of slots.entries()) {
      const isWaiting = this.timers.has(`respawn:${index + 1}`)
      if (isWaiting) waiting++
      replacements += this.#checkSlot(index + 1, slot, isWaiting)
    }
    let respawns = 0
    for (const timer of this.timers.keys()) if (timer.startsWith("respawn:")) respawns++
    Checks.isEqual(respawns, waiting, "slots that wait")
    Checks.isAtMost(replacements, 1, "workers that are being replaced")
    let surplus = 0
    for (const { doing, slot } of this.processes.values()) if (slot > this.target && doing !== "drain") surplus++
    Checks.isAtMost(surplus, 1, "workers without a slot")
  }

  /** Answers how many replacements boot in it. */
  #checkSlot(number: number, { failure }: PoolState["slots"][number], isWaiting: boolean): number {
    let booting = 0
    let serving = 0
    for (const { doing, slot } of this.processes.values()) {
      if (slot !== number) continue
      if (doing === "boot") booting++
      if (doing === "serve") serving++
    }
    const isDue = failure !== undefined || isWaiting
    Checks.isTrue(booting + serving > 0 || isDue, "a slot has no worker, and gets none")
    if (failure?.mayPass === true && this.hasBeenReady) Checks.isTrue(isWaiting, "a failure may pass, and nobody waits")
    Checks.isTrue(!(isDue && booting > 0), "a worker boots in a slot that waits")
    Checks.isAtMost(serving, 1, "workers that serve in a slot")
    Checks.isAtMost(booting, 1, "workers that boot in a slot")
    return serving > 0 ? booting : 0
  }

  #checkEnd(): void {
    assert.lengthOf(this.exits, 1)
    assert.strictEqual(this.processes.size, 0, "workers that are left")
    assert.include(["none", "ready"], this.successor, "a successor that is left")
    assert.strictEqual(this.timers.size, 0, "timers that are left")
  }
}

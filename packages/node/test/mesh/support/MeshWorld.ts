/** Processes that are connected with each other in a world without sockets, in which anything can happen at any time. */
import { assert } from "@effect/vitest"
import type { Connection } from "../../../src/mesh/protocol/Connection.ts"
import { Mesh } from "../../../src/mesh/protocol/Mesh.ts"

/** Something that a process was told about messages, in order. */
type Entry =
  | { readonly type: "message"; readonly from: string; readonly topic: string; readonly number: number }
  | { readonly type: "gap"; readonly topic: string | undefined }
  | { readonly type: "subscribed" | "unsubscribed"; readonly topic: string }

/** One end of a connection, and what is on the way from it to the other end. */
interface End {
  readonly process: Process
  readonly connection: Connection
  other: End | undefined
  bytes: Buffer
  /** It sends nothing more behind what is on the way. */
  isEnding: boolean
  hasEnded: boolean
  isPaused: boolean
}

/** A message that was published, and who was to hear it. */
interface Published {
  readonly from: string
  readonly topic: string
  readonly number: number
  readonly hearers: ReadonlyArray<string>
  /** Those of them with whom its publisher was not connected: they hear of that when it is, if it lives to see it. */
  readonly apart: ReadonlyArray<string>
  /** How much each of them had been told before. */
  readonly since: ReadonlyMap<string, number>
}

export class Process {
  readonly id: string
  readonly mesh: Mesh
  readonly log: Array<Entry> = []
  readonly ends: Array<End> = []
  readonly waiting = new Set<string>()
  readonly lost: Array<string> = []
  /** Topics to which it subscribes, once all others know it. */
  readonly subscribed = new Set<string>()
  readonly subscribing = new Set<string>()
  readonly watched = new Map<string, Map<string, string>>()
  readonly members = new Map<string, string>()
  isListening = true
  isRunning = true
  hasLooked = false
  pausesAt = 0
  version: number

  constructor(world: MeshWorld, id: string, version: number) {
    this.id = id
    this.version = version
    this.mesh = new Mesh(
      id,
      {
        onMessage: (connection, topic, text) => {
          const [from = "", number] = text.trim().split(" ")
          this.log.push({ type: "message", from, topic, number: Number(number) })
          if (this.pausesAt === 0 || --this.pausesAt > 0) return false
          const end = this.ends.find((one) => one.connection === connection)
          if (end === undefined) return false
          end.isPaused = true
          return true
        },
        onGap: (topic) => this.log.push({ type: "gap", topic }),
        onJoined: (peer, topic, member) => this.watched.get(topic)?.set(member, peer),
        onLeft: (_peer, topic, member) => this.watched.get(topic)?.delete(member),
        onGone: (peer) => {
          for (const members of this.watched.values())
            for (const [member, owner] of members) if (owner === peer) members.delete(member)
        },
        onLost: (peer) => this.lost.push(peer),
        onSettled: (peer) => this.waiting.delete(peer),
        onOtherVersion: () => world.versionsRefused++
      },
      version
    )
  }

  /** Whether it has begun: all who were there before have answered. */
  get hasBegun(): boolean {
    return this.hasLooked && this.waiting.size === 0
  }
}

export class MeshWorld {
  readonly processes: Array<Process> = []
  readonly published: Array<Published> = []
  #number = 0
  #member = 0
  versionsRefused = 0

  get running(): ReadonlyArray<Process> {
    return this.processes.filter(({ isRunning }) => isRunning)
  }

  /** Those that have not begun to leave. */
  get listening(): ReadonlyArray<Process> {
    return this.running.filter(({ isListening }) => isListening)
  }

  /** Those that do what an application wants. */
  get begun(): ReadonlyArray<Process> {
    return this.running.filter(({ hasBegun, isListening }) => hasBegun && isListening)
  }

  get ends(): ReadonlyArray<End> {
    return this.running.flatMap(({ ends }) => ends)
  }

  /** Ends from which something is on the way, or an end. */
  get underWay(): ReadonlyArray<End> {
    return this.processes
      .flatMap(({ ends }) => ends)
      .filter(({ bytes, hasEnded, other, process }) => {
        if (other === undefined || other.hasEnded || !other.process.isRunning) return false
        return bytes.length > 0 || hasEnded || !process.isRunning
      })
  }

  get paused(): ReadonlyArray<End> {
    return this.ends.filter(({ isPaused }) => isPaused)
  }

  // what processes do ------------------------------------------------------------------------------------------------

  start(id: string, version = 1): Process {
    const process = new Process(this, id, version)
    this.processes.push(process)
    return process
  }

  /** It looks who else listens, of whom some have not looked themselves. */
  look(process: Process): void {
    if (process.hasLooked || !process.isListening) return
    process.hasLooked = true
    const others = this.processes.filter((one) => one.isListening && one !== process)
    for (const { id } of others) process.waiting.add(id)
    for (const { id } of others) {
      // Who has connected meanwhile is there already.
      if (process.mesh.isReady(id)) process.waiting.delete(id)
      this.dial(process, id)
    }
  }

  dial(process: Process, id: string): void {
    if (!process.isRunning || !process.mesh.mayDial(id)) return
    const target = this.processes.find((one) => one.id === id)
    const end = this.#end(process, (port) => process.mesh.dial(id, port))
    if (target?.isListening !== true || !target.isRunning) {
      end.hasEnded = true
      return process.mesh.gone(id)
    }
    const other = this.#end(target, (port) => target.mesh.accept(port))
    other.other = end
    end.other = other
  }

  publish(process: Process, topic: string, size = 0): void {
    const number = ++this.#number
    const hearers = this.begun.filter((one) => one !== process && one.subscribed.has(topic))
    const ids = hearers.map(({ id }) => id)
    const near = new Set(process.mesh.connections.filter(({ isReady }) => isReady).map(({ peer }) => peer))
    const apart = ids.filter((id) => !near.has(id))
    const since = new Map(hearers.map(({ id, log }) => [id, log.length]))
    this.published.push({ from: process.id, topic, number, hearers: ids, apart, since })
    process.mesh.publish(topic, `${process.id} ${number}`.padEnd(size))
  }

  subscribe(process: Process, topic: string): void {
    if (process.subscribing.has(topic)) return
    process.subscribing.add(topic)
    process.mesh.want("messages", topic)
    process.mesh.whenConfirmed("messages", topic, () => {
      if (!process.subscribing.has(topic) || process.subscribed.has(topic)) return
      process.subscribed.add(topic)
      process.log.push({ type: "subscribed", topic })
    })
  }

  unsubscribe(process: Process, topic: string): void {
    // As the hub does it: not before the question is answered.
    if (!process.subscribed.delete(topic)) return
    process.subscribing.delete(topic)
    process.log.push({ type: "unsubscribed", topic })
    process.mesh.unwant("messages", topic)
  }

  watch(process: Process, topic: string): void {
    if (process.watched.has(topic)) return
    process.watched.set(topic, new Map())
    process.mesh.want("members", topic)
  }

  unwatch(process: Process, topic: string): void {
    if (process.watched.delete(topic)) process.mesh.unwant("members", topic)
  }

  join(process: Process, topic: string): void {
    const id = `${process.id}-${++this.#member}`
    process.members.set(id, topic)
    process.mesh.join(topic, id, "{}")
  }

  leave(process: Process, id: string): void {
    const topic = process.members.get(id)
    process.members.delete(id)
    if (topic !== undefined) process.mesh.leave(topic, id)
  }

  depart(process: Process): void {
    process.isListening = false
    process.mesh.depart()
  }

  /** Killed: of what is on the way from it, only so many bytes have left it. */
  crash(process: Process, left: number): void {
    process.isRunning = false
    process.isListening = false
    for (const end of process.ends) {
      end.bytes = end.bytes.subarray(0, left)
      end.isEnding = true
      // What was on the way to it is lost.
      const { other } = end
      if (other !== undefined) other.bytes = Buffer.alloc(0)
    }
  }

  // what happens in between ------------------------------------------------------------------------------------------

  /** The system takes what there is to be written. */
  pump(end: End): void {
    if (end.hasEnded || !end.process.isRunning) return
    const bytes = end.connection.take()
    // A copy, as the system makes one.
    if (bytes !== undefined) end.bytes = Buffer.concat([end.bytes, bytes])
    else if (end.isEnding) end.hasEnded = true
  }

  /** So many bytes arrive at the other end, or that there are no more. */
  deliver(end: End, count: number): void {
    const { other } = end
    const isAtEnd = end.bytes.length === 0 && (end.hasEnded || !end.process.isRunning)
    const bytes = Buffer.from(end.bytes.subarray(0, count))
    end.bytes = end.bytes.subarray(bytes.length)
    if (other === undefined || !other.process.isRunning) return
    if (bytes.length > 0) other.connection.receive(bytes)
    else if (isAtEnd) {
      other.connection.closed()
      other.hasEnded = true
    }
  }

  /** A connection breaks, for no reason that the processes know. */
  cut(end: End): void {
    const { other } = end
    for (const one of [end, other]) {
      if (one === undefined) continue
      one.bytes = Buffer.alloc(0)
      one.hasEnded = true
      if (one.process.isRunning) one.connection.closed()
    }
  }

  resume(end: End): void {
    if (!end.isPaused) return
    end.isPaused = false
    end.connection.resume()
  }

  retry(process: Process): void {
    for (const peer of process.lost.splice(0)) this.dial(process, peer)
  }

  /** Everything that is to happen by itself has happened; subscribers go on that make others wait, unless they are slow. */
  settle({ areSlow = false } = {}): void {
    for (let round = 0; round < 400; round++) {
      let isQuiet = true
      for (const process of this.processes) {
        if (process.isRunning && process.lost.length > 0) isQuiet = false
        this.look(process)
        this.retry(process)
        for (const end of [...process.ends]) {
          if (end.isPaused && !areSlow) {
            isQuiet = false
            this.resume(end)
          }
          const before = end.bytes.length + Number(end.hasEnded)
          this.pump(end)
          if (end.bytes.length + Number(end.hasEnded) !== before || end.bytes.length > 0) isQuiet = false
          this.deliver(end, Number.POSITIVE_INFINITY)
          const { other } = end
          if (other !== undefined && !other.hasEnded && other.process.isRunning && end.bytes.length === 0) {
            if (!end.process.isRunning || end.hasEnded) {
              this.deliver(end, 0)
              isQuiet = false
            }
          }
        }
      }
      if (isQuiet) return
    }
    assert.fail("it never comes to rest")
  }

  // what always holds ------------------------------------------------------------------------------------------------

  /** Nobody hears a message twice, or after a later one of the same publisher. */
  checkOrder(): void {
    for (const { id, log } of this.processes) {
      const last = new Map<string, number>()
      for (const entry of log) {
        if (entry.type !== "message") continue
        const key = `${entry.from} ${entry.topic}`
        assert.isAbove(entry.number, last.get(key) ?? 0, `${id} hears ${key} in order and once`)
        last.set(key, entry.number)
      }
    }
  }

  /**
   * What somebody has not heard was lost where a gap was told. It was told after that was published, as long as its
   * publisher lives: who looks up then what is missing finds it.
   */
  checkGaps(): void {
    const present = this.running.filter(({ isListening }) => isListening)
    for (const { apart, from, hearers, number, since, topic } of this.published) {
      const isAlive = present.some(({ id }) => id === from)
      for (const hearer of present.filter(({ id }) => hearers.includes(id))) {
        if (apart.includes(hearer.id) && !isAlive) continue
        const { log } = hearer
        const isOf = (entry: Entry) => entry.type === "message" && entry.from === from && entry.topic === topic
        if (log.some((entry) => isOf(entry) && entry.type === "message" && entry.number === number)) continue
        const isLater = (entry: Entry) => isOf(entry) && entry.type === "message" && entry.number > number
        const end = log.findIndex(isLater)
        const until = end < 0 ? log : log.slice(0, end)
        const begin = until.findLastIndex(isOf)
        const place = until.slice(Math.max(begin + 1, isAlive ? (since.get(hearer.id) ?? 0) : 0))
        const isTold = place.some(
          (entry) =>
            (entry.type === "gap" && (entry.topic === undefined || entry.topic === topic)) ||
            (entry.type === "unsubscribed" && entry.topic === topic)
        )
        assert.isTrue(isTold, `${hearer.id} is told that it misses ${number} of ${from} in ${topic}`)
      }
    }
  }

  /** Everybody is connected with everybody once, and knows who is in the topics that it watches. */
  checkRest(): void {
    const present = this.running.filter(({ isListening }) => isListening)
    for (const process of present) {
      assert.isTrue(process.hasBegun, `${process.id} has begun`)
      const likes = present.filter((one) => one !== process && one.version === process.version)
      assert.deepStrictEqual(
        process.mesh.connections.map(({ isOpen, isReady, peer }) => `${peer} ${isOpen} ${isReady}`).toSorted(),
        likes.map(({ id }) => `${id} true true`).toSorted(),
        `${process.id} is connected`
      )
      assert.deepStrictEqual(process.subscribed, process.subscribing, "all subscriptions are confirmed")
      for (const [topic, members] of process.watched) {
        const there = likes.flatMap((one) => [...one.members].filter(([, place]) => place === topic).map(([id]) => id))
        assert.deepStrictEqual([...members.keys()].toSorted(), there.toSorted(), `${process.id} watches ${topic}`)
      }
    }
  }

  #end(process: Process, make: (port: { readonly wake: () => void; readonly end: () => void }) => Connection): End {
    const connection = make({ wake: () => {}, end: () => void (end.isEnding = true) })
    const end: End = {
      process,
      connection,
      other: undefined,
      bytes: Buffer.alloc(0),
      isEnding: false,
      hasEnded: false,
      isPaused: false
    }
    process.ends.push(end)
    return end
  }
}

import * as Effect from "effect/Effect"
import type { LinkedMember, LinkListener, MakeLink, TopicLink } from "../../../src/topics/TopicLink.ts"

/** What goes from one process to another. */
type Frame =
  | { readonly type: "subscribe" | "watch"; readonly topic: string; readonly token: number }
  | { readonly type: "unsubscribe" | "unwatch"; readonly topic: string }
  | { readonly type: "subscribed"; readonly token: number }
  | {
      readonly type: "members"
      readonly topic: string
      readonly token: number
      readonly members: ReadonlyArray<LinkedMember>
    }
  | { readonly type: "message"; readonly topic: string; readonly text: string }
  | { readonly type: "gap"; readonly topic: string; readonly reason: "overloaded" | "disconnected" }
  | { readonly type: "join"; readonly topic: string; readonly token: number; readonly member: LinkedMember }
  | { readonly type: "leave"; readonly topic: string; readonly token: number; readonly id: string }
  | { readonly type: "gone" }

/** Publishers wait while more than these are on their way to somebody. */
const softLimit = 6

/** Messages that come while these are on their way are lost. */
const hardLimit = 10

/** One way between two processes: nothing passes anything else. */
export class Channel {
  readonly from: Process
  readonly to: Process
  frames: Array<Frame> = []
  /** Whether the receiver has something to wait for before it goes on. */
  isPaused = false
  readonly #waiting = new Set<() => void>()

  constructor(from: Process, to: Process) {
    this.from = from
    this.to = to
  }

  get isSlow(): boolean {
    return this.frames.length > softLimit
  }

  send(frame: Frame): void {
    if (!this.to.isAlive || !this.from.isAlive) return
    if (frame.type === "message" && this.frames.length >= hardLimit) {
      const last = this.frames.at(-1)
      if (last?.type !== "gap" || last.topic !== frame.topic) {
        this.frames.push({ type: "gap", topic: frame.topic, reason: "overloaded" })
      }
      return
    }
    this.frames.push(frame)
  }

  readonly room: Effect.Effect<void> = Effect.callback<void>((resume) => {
    if (!this.isSlow) return resume(Effect.void)
    const wake = () => resume(Effect.void)
    this.#waiting.add(wake)
    return Effect.sync(() => this.#waiting.delete(wake))
  })

  /** The next frame arrives, if there is one and the receiver listens. */
  deliver(): boolean {
    if (this.isPaused) return false
    const frame = this.frames.shift()
    if (frame === undefined) return false
    this.wakeWhenRoom()
    if (this.to.isAlive) this.to.receive(this, frame)
    return true
  }

  /** Messages on their way are lost, which the receiver is told where they were. */
  interrupt(): void {
    this.frames = this.frames.flatMap((frame, index, frames): Array<Frame> => {
      if (frame.type !== "message") return [frame]
      const { topic } = frame
      const isFirst = !frames.slice(0, index).some((other) => other.type === "message" && other.topic === topic)
      return isFirst ? [{ type: "gap", topic, reason: "disconnected" }] : []
    })
    this.wakeWhenRoom()
  }

  /** The sender has ended: only the first frames arrive. */
  cut(survivors: number): void {
    this.frames = [...this.frames.slice(0, survivors), { type: "gone" }]
  }

  /** The receiver has ended. */
  drop(): void {
    this.frames = []
    this.isPaused = false
    this.wakeWhenRoom()
  }

  wakeWhenRoom(): void {
    if (this.isSlow) return
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const wake of waiting) wake()
  }
}

/** A question to all others. */
interface Question {
  readonly unanswered: Set<Process>
  readonly done: () => void
}

export class Process {
  readonly id: string
  isAlive = true
  readonly #mesh: MemoryMesh
  #listener: LinkListener | undefined = undefined
  readonly #peers = new Set<Process>()
  readonly #questions = new Map<number, Question>()
  /** Who of the others subscribes to what. */
  readonly #subscribers = new Map<string, Set<Process>>()
  /** Who of the others watches what, and the token by which it does. */
  readonly #watchers = new Map<string, Map<Process, number>>()
  readonly #members = new Map<string, Map<string, LinkedMember>>()
  /** The tokens by which this process watches. */
  readonly #watched = new Map<string, number>()
  #token = 0

  constructor(mesh: MemoryMesh, id: string) {
    this.#mesh = mesh
    this.id = id
  }

  readonly makeLink: MakeLink = (listener) =>
    Effect.sync(() => {
      this.#listener = listener
      return this.#link
    })

  meet(peer: Process): void {
    this.#peers.add(peer)
  }

  /** Nothing of it is left when everybody has gone away. */
  get isClean(): boolean {
    return this.#questions.size + this.#members.size + this.#watched.size === 0
  }

  readonly #link: TopicLink = {
    subscribe: (topic) =>
      Effect.onInterrupt(
        this.#ask((token) => ({ type: "subscribe", topic, token })),
        () => Effect.sync(() => this.#tellAll({ type: "unsubscribe", topic }))
      ),
    unsubscribe: (topic) => this.#tellAll({ type: "unsubscribe", topic }),
    publish: (topic, text) => {
      let wait: Effect.Effect<void> | undefined = undefined
      for (const peer of this.#subscribers.get(topic) ?? []) {
        const channel = this.#mesh.channel(this, peer)
        channel.send({ type: "message", topic, text })
        if (channel.isSlow) wait = wait === undefined ? channel.room : Effect.andThen(wait, channel.room)
      }
      return wait
    },
    watch: (topic) =>
      Effect.onInterrupt(
        this.#ask((token) => {
          this.#watched.set(topic, token)
          return { type: "watch", topic, token }
        }),
        () => Effect.sync(() => this.#link.unwatch(topic))
      ),
    unwatch: (topic) => {
      this.#watched.delete(topic)
      this.#tellAll({ type: "unwatch", topic })
    },
    join: (topic, member) =>
      Effect.sync(() => {
        let members = this.#members.get(topic)
        if (members === undefined) this.#members.set(topic, (members = new Map()))
        members.set(member.id, member)
        for (const [peer, token] of this.#watchers.get(topic) ?? []) {
          this.#send(peer, { type: "join", topic, token, member })
        }
      }),
    leave: (topic, id) =>
      Effect.sync(() => {
        const members = this.#members.get(topic)
        members?.delete(id)
        if (members?.size === 0) this.#members.delete(topic)
        for (const [peer, token] of this.#watchers.get(topic) ?? []) {
          this.#send(peer, { type: "leave", topic, token, id })
        }
      })
  }

  receive(channel: Channel, frame: Frame): void {
    const { from } = channel
    const listener = this.#listener
    if (listener === undefined) return
    switch (frame.type) {
      case "subscribe": {
        let subscribers = this.#subscribers.get(frame.topic)
        if (subscribers === undefined) this.#subscribers.set(frame.topic, (subscribers = new Set()))
        subscribers.add(from)
        return this.#send(from, { type: "subscribed", token: frame.token })
      }
      case "unsubscribe":
        this.#subscribers.get(frame.topic)?.delete(from)
        return
      case "watch": {
        let watchers = this.#watchers.get(frame.topic)
        if (watchers === undefined) this.#watchers.set(frame.topic, (watchers = new Map()))
        watchers.set(from, frame.token)
        const members = [...(this.#members.get(frame.topic)?.values() ?? [])]
        return this.#send(from, { ...frame, type: "members", members })
      }
      case "unwatch":
        this.#watchers.get(frame.topic)?.delete(from)
        return
      case "subscribed":
        return this.#answered(frame.token, from)
      case "members":
        if (this.#watched.get(frame.topic) === frame.token) {
          for (const member of frame.members) listener.onJoin(frame.topic, from.id, member)
        }
        return this.#answered(frame.token, from)
      case "message": {
        const wait = listener.onMessage(frame.topic, frame.text)
        if (wait === undefined) return
        channel.isPaused = true
        this.#mesh.run(
          Effect.ensuring(
            wait,
            Effect.sync(() => {
              channel.isPaused = false
            })
          )
        )
        return
      }
      case "gap":
        return listener.onGap(frame.topic, frame.reason)
      case "join":
        if (this.#watched.get(frame.topic) === frame.token) listener.onJoin(frame.topic, from.id, frame.member)
        return
      case "leave":
        if (this.#watched.get(frame.topic) === frame.token) listener.onLeave(frame.topic, from.id, frame.id)
        return
      case "gone":
        this.#peers.delete(from)
        for (const subscribers of this.#subscribers.values()) subscribers.delete(from)
        for (const watchers of this.#watchers.values()) watchers.delete(from)
        for (const token of [...this.#questions.keys()]) this.#answered(token, from)
        return listener.onProcessGone(from.id)
    }
  }

  #ask(frameOf: (token: number) => Frame): Effect.Effect<void> {
    return Effect.callback<void>((resume) => {
      const token = ++this.#token
      const frame = frameOf(token)
      if (this.#peers.size === 0) return resume(Effect.void)
      this.#questions.set(token, { unanswered: new Set(this.#peers), done: () => resume(Effect.void) })
      this.#tellAll(frame)
      return Effect.sync(() => this.#questions.delete(token))
    })
  }

  #answered(token: number, by: Process): void {
    const question = this.#questions.get(token)
    if (question === undefined || !question.unanswered.delete(by) || question.unanswered.size > 0) return
    this.#questions.delete(token)
    question.done()
  }

  #tellAll(frame: Frame): void {
    for (const peer of this.#peers) this.#send(peer, frame)
  }

  #send(peer: Process, frame: Frame): void {
    this.#mesh.channel(this, peer).send(frame)
  }
}

/**
 * Connects hubs, without processes: what one sends waits until the test has it arrive. Between two processes everything
 * keeps its order; between others anything may come first.
 */
export class MemoryMesh {
  readonly processes: ReadonlyArray<Process>
  readonly channels: Array<Channel> = []
  readonly run: (effect: Effect.Effect<void>) => void

  constructor(ids: ReadonlyArray<string>, run: (effect: Effect.Effect<void>) => void) {
    this.run = run
    this.processes = ids.map((id) => new Process(this, id))
    for (const from of this.processes) {
      for (const to of this.processes) {
        if (from === to) continue
        from.meet(to)
        this.channels.push(new Channel(from, to))
      }
    }
  }

  channel(from: Process, to: Process): Channel {
    const found = this.channels.find((channel) => channel.from === from && channel.to === to)
    if (found === undefined) throw new Error("a process does not talk to itself")
    return found
  }

  /** Has everything arrive that can. Answers whether there was anything. */
  deliverAll(): boolean {
    let hasDelivered = false
    for (let goesOn = true; goesOn;) {
      goesOn = false
      for (const channel of this.channels) while (channel.deliver()) goesOn = hasDelivered = true
    }
    return hasDelivered
  }

  crash(process: Process, survivors: number): void {
    process.isAlive = false
    for (const channel of this.channels) {
      if (channel.from === process) channel.cut(survivors)
      if (channel.to === process) channel.drop()
    }
  }
}

/** Redis as far as topics use it, in memory. What it does for each connection, and when, is up to the test. */
import * as Effect from "effect/Effect"
import type { Connect, ConnectionListener, RedisConnection } from "../../../src/redis/RedisConnection.ts"

type Command = ReadonlyArray<string>

interface Pending {
  readonly command: Command
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: Error) => void
}

export class FakeConnection {
  readonly owner: string
  readonly channels = new Set<string>()
  /** Commands that Redis has not read yet, and what it has answered or told and has not come yet: both in order. */
  readonly commands: Array<Pending> = []
  readonly answers: Array<() => void> = []
  isOpen = true
  readonly #listener: ConnectionListener

  constructor(owner: string, listener: ConnectionListener) {
    this.owner = owner
    this.#listener = listener
  }

  send(command: Command): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.isOpen) this.commands.push({ command, resolve, reject })
      else reject(new Error("The client is closed"))
    })
  }

  tell(channel: string, text: string): void {
    this.answers.push(() => this.#listener.onMessage(channel, text))
  }

  /** The connection is gone, with all that was under way in either direction. */
  end(reason: string, isTold = true): void {
    if (!this.isOpen) return
    this.isOpen = false
    if (isTold) this.#listener.onLost(new Error(reason))
    for (const { reject } of this.commands.splice(0)) reject(new Error(reason))
    for (const reject of this.unanswered) reject(new Error(reason))
    this.answers.length = 0
  }

  /** Commands that were read, whose answers have not come. */
  readonly unanswered = new Set<(error: Error) => void>()
}

export class FakeRedis {
  readonly connections: Array<FakeConnection> = []
  /** Whether it can be reached. */
  isUp = true
  /** Those that cannot reach it. */
  readonly shutOut = new Set<string>()
  /** What it refuses, by the first word of the answer. */
  refuse: (command: Command) => string | undefined = () => undefined
  readonly #now: () => number
  readonly #values = new Map<string, { readonly value: string; readonly until: number }>()
  readonly #sets = new Map<string, Set<string>>()
  readonly #hashes = new Map<string, Map<string, string>>()

  constructor(now: () => number) {
    this.#now = now
  }

  connect(owner: string): Connect {
    return (listener) =>
      Effect.suspend(() => {
        if (!this.isUp || this.shutOut.has(owner)) return Effect.fail(new Error("connect ECONNREFUSED 127.0.0.1:6379"))
        const connection = new FakeConnection(owner, listener)
        this.connections.push(connection)
        const open: RedisConnection = {
          send: (command) => connection.send(command),
          subscribe: async (channels) => void (await connection.send(["SUBSCRIBE", ...channels])),
          unsubscribe: async (channels) => void (await connection.send(["UNSUBSCRIBE", ...channels])),
          close: () => {
            connection.end("The client is closed", false)
            this.#forget(connection)
          }
        }
        return Effect.succeed(open)
      })
  }

  /** All that there is, sorted. */
  get keys(): ReadonlyArray<string> {
    const values = [...this.#values.keys()].filter((key) => this.#get(key) !== null)
    return [...values, ...this.#sets.keys(), ...this.#hashes.keys()].toSorted()
  }

  get openConnections(): ReadonlyArray<FakeConnection> {
    return this.connections.filter(({ isOpen }) => isOpen)
  }

  lose(connection: FakeConnection): void {
    this.#forget(connection)
    connection.end("Socket closed unexpectedly")
  }

  /** It is killed, and started again with nothing in it. */
  restart(): void {
    for (const connection of [...this.connections]) this.lose(connection)
    this.#values.clear()
    this.#sets.clear()
    this.#hashes.clear()
  }

  /** Reads one command of a connection. Answers whether there was one. */
  read(connection: FakeConnection): boolean {
    const pending = connection.commands.shift()
    if (pending === undefined) return false
    const { command, reject, resolve } = pending
    connection.unanswered.add(reject)
    const refusal = this.refuse(command)
    const answer = refusal === undefined ? this.#run(connection, command) : undefined
    connection.answers.push(() => {
      connection.unanswered.delete(reject)
      if (refusal === undefined) resolve(answer)
      else reject(new Error(refusal))
    })
    return true
  }

  /** Brings one thing that Redis has said. Answers whether there was one. */
  deliver(connection: FakeConnection): boolean {
    const next = connection.answers.shift()
    next?.()
    return next !== undefined
  }

  /** Does everything that there is to do, until all is quiet. */
  readonly settle: Effect.Effect<void> = Effect.gen({ self: this }, function* () {
    for (let isQuiet = false; !isQuiet;) {
      // What is asked for at the end of a turn is there then.
      yield* turn
      isQuiet = true
      for (const connection of this.openConnections) {
        while (this.read(connection)) isQuiet = false
        while (connection.isOpen && this.deliver(connection)) isQuiet = false
      }
    }
    yield* turn
  })

  #forget(connection: FakeConnection): void {
    const at = this.connections.indexOf(connection)
    if (at >= 0) this.connections.splice(at, 1)
  }

  #get(key: string): string | null {
    const entry = this.#values.get(key)
    return entry !== undefined && entry.until > this.#now() ? entry.value : null
  }

  #set(key: string): Set<string> {
    return this.#sets.get(key) ?? new Set()
  }

  #add(key: string, members: ReadonlyArray<string>): void {
    this.#sets.set(key, new Set([...this.#set(key), ...members]))
  }

  #remove(key: string, member: string): void {
    const set = this.#sets.get(key)
    set?.delete(member)
    if (set?.size === 0) this.#sets.delete(key)
  }

  #publish(channel: string, text: string): number {
    const listening = this.openConnections.filter(({ channels }) => channels.has(channel))
    for (const connection of listening) connection.tell(channel, text)
    return listening.length
  }

  #listeners(channel: string): number {
    return this.openConnections.filter(({ channels }) => channels.has(channel)).length
  }

  #run(connection: FakeConnection, [name = "", ...args]: Command): unknown {
    const [key = "", value = "", ...rest] = args
    switch (name) {
      case "SUBSCRIBE":
        for (const channel of args) connection.channels.add(channel)
        return undefined
      case "UNSUBSCRIBE":
        for (const channel of args) connection.channels.delete(channel)
        return undefined
      case "PUBLISH":
        return this.#publish(key, value)
      case "PING":
        return "PONG"
      case "PUBSUB":
        return args.slice(1).flatMap((channel) => [channel, this.#listeners(channel)])
      case "SET":
        this.#values.set(key, { value, until: this.#now() + Number(rest[1]) })
        return "OK"
      case "PEXPIRE": {
        const current = this.#get(key)
        if (current === null) return 0
        this.#values.set(key, { value: current, until: this.#now() + Number(value) })
        return 1
      }
      case "MGET":
        return args.map((one) => this.#get(one))
      case "SADD":
        this.#add(key, args.slice(1))
        return 1
      case "SMEMBERS":
        return [...this.#set(key)]
      case "HSET": {
        const hash = this.#hashes.get(key) ?? new Map<string, string>()
        for (let at = 1; at + 1 < args.length; at += 2) hash.set(args[at] ?? "", args[at + 1] ?? "")
        this.#hashes.set(key, hash)
        return 1
      }
      case "EVAL": {
        const count = Number(value)
        return this.#evaluate(key, rest.slice(0, count), rest.slice(count))
      }
      default:
        throw new Error(`not a command of this Redis: ${name}`)
    }
  }

  /** What the scripts of `PresenceScripts` do. */
  #evaluate(script: string, keys: Command, args: Command): unknown {
    const [first = "", second = "", third = "", fourth = ""] = keys
    const [one = "", two = "", three = "", four = "", five = "", six = ""] = args
    if (script.includes("SPOP")) return this.#clean(keys, args)
    if (script.includes("HSET")) {
      if (this.#get(first) === null) return 0
      this.#add(second, [one])
      this.#add(third, [two])
      this.#hashes.set(fourth, (this.#hashes.get(fourth) ?? new Map<string, string>()).set(three, four))
      this.#publish(five, six)
      return 1
    }
    if (script.includes("HDEL")) {
      this.#hashes.get(third)?.delete(three)
      if ((this.#hashes.get(third)?.size ?? 0) === 0) {
        this.#hashes.delete(third)
        this.#remove(first, one)
        this.#remove(second, two)
      }
      this.#publish(four, five)
      return 1
    }
    if (script.includes("HGETALL")) return [this.#get(first), [...(this.#hashes.get(second) ?? [])].flat()]
    throw new Error("not a script of topics")
  }

  #clean([life = "", topics = "", processes = ""]: Command, args: Command): number {
    const [process = "", members = "", processesIn = "", all = "", limit = "", asked = "", gone = "", unseen = ""] =
      args
    let letter = asked
    if (asked === "lost") {
      const value = this.#get(life)
      letter = value === null ? gone : unseen
      if (value !== null && (!value.endsWith("+") || this.#listeners(life) > 0)) return -1
    }
    const taken = [...this.#set(topics)].slice(0, Number(limit))
    for (const topic of taken) {
      this.#remove(topics, topic)
      this.#hashes.delete(members + topic)
      this.#remove(processesIn + topic, process)
    }
    if (taken.length === Number(limit)) return 1
    if (letter === "") return 0
    this.#values.delete(life)
    this.#remove(processes, process)
    this.#publish(all, letter + process)
    return 0
  }
}

/** A turn of the event loop, in which promises and fibers go on. */
export const turn: Effect.Effect<void> = Effect.promise(() => new Promise<void>((resume) => void setImmediate(resume)))

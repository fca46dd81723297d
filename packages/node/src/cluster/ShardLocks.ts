/**
 * Which runners there are, and which of them has which shard: the state that all runners of a cluster have to agree on. It
 * knows no process and no clock. Whoever keeps it says which client asks, and when a client has ended.
 *
 * What always holds: a shard belongs to one runner at most, an address to one client; what a client had is free once it
 * has gone, and nothing is kept of it.
 */
import { type ClusterAnswer, type ClusterRequest, limits } from "./ClusterRequest.ts"

interface Entry {
  readonly client: string
  readonly runner: string
  readonly machine: number
  healthy: boolean
}

/** An address that has locks, which it may have a little longer than it is registered: while its entities end. */
interface Holder {
  readonly client: string
  readonly shards: Set<string>
}

/** Snowflakes have ten bits for the machine. */
const machines = 1024

const done: ClusterAnswer = { type: "done" }

const refused = (reason: string): ClusterAnswer => ({ type: "refused", reason })

const isTaken = refused("another runner has this address")

export class ShardLocks {
  readonly #runners = new Map<string, Entry>()
  readonly #holders = new Map<string, Holder>()
  /** By shard, who has it. */
  readonly #owners = new Map<string, string>()
  #nextMachine: number

  /** @param firstMachine number of the first runner; another one in each process, so that numbers do not come again soon */
  constructor(firstMachine = 0) {
    this.#nextMachine = firstMachine % machines
  }

  /** How many shards are somebody's. */
  get size(): number {
    return this.#owners.size
  }

  get runners(): number {
    return this.#runners.size
  }

  /** Whether shards that are nobody's may be given to somebody. */
  mayGive = true

  /** The addresses of a client. */
  addressesOf(client: string): ReadonlyArray<string> {
    const registered = [...this.#runners].filter(([, entry]) => entry.client === client).map(([address]) => address)
    const holding = [...this.#holders].filter(([, holder]) => holder.client === client).map(([address]) => address)
    return [...new Set([...registered, ...holding])]
  }

  ask(client: string, request: ClusterRequest): ClusterAnswer {
    if (request.type === "runners") {
      return {
        type: "runners",
        runners: Array.from(this.#runners.values(), ({ healthy, runner }) => [runner, healthy])
      }
    }
    const { address } = request
    if (request.type === "health") {
      // Any runner may say of any other how it is.
      const entry = this.#runners.get(address)
      if (entry !== undefined) entry.healthy = request.healthy
      return done
    }
    if (this.#isOfAnother(client, address)) return isTaken
    switch (request.type) {
      case "register":
        return this.#register(client, request, this.#runners.get(address)?.machine ?? this.#freeMachine())
      case "unregister":
        this.#runners.delete(address)
        return done
      case "acquire":
        return this.#acquire(client, address, request.shards)
      case "refresh":
        return { type: "shards", shards: request.shards.filter((shard) => this.#owners.get(shard) === address) }
      case "release":
        this.#release(address, request.shard)
        return done
      case "releaseAll":
        this.#releaseAll(address)
        return done
    }
  }

  /** Notes what another process that keeps locks has answered. */
  note(client: string, request: ClusterRequest, answer: ClusterAnswer): void {
    if (request.type === "runners" || answer.type === "refused") return
    if (request.type === "register") {
      if (answer.type === "registered") this.#register(client, request, answer.machine)
    } else if (request.type === "acquire") {
      if (answer.type === "shards") this.#give(client, request.address, answer.shards)
    } else {
      this.ask(client, request)
    }
  }

  /** A client has ended: its runners leave, and what they had is free. */
  gone(client: string): void {
    for (const [address, entry] of this.#runners) if (entry.client === client) this.#runners.delete(address)
    for (const [address, holder] of this.#holders) if (holder.client === client) this.#releaseAll(address)
  }

  #isOfAnother(client: string, address: string): boolean {
    const owner = (this.#runners.get(address) ?? this.#holders.get(address))?.client
    return owner !== undefined && owner !== client
  }

  #register(
    client: string,
    { address, healthy, runner }: ClusterRequest & { readonly type: "register" },
    machine: number
  ): ClusterAnswer {
    if (this.#runners.size >= limits.runners && !this.#runners.has(address))
      return refused("there are too many runners")
    this.#runners.set(address, { client, runner, healthy, machine })
    return { type: "registered", machine }
  }

  #freeMachine(): number {
    const taken = new Set(Array.from(this.#runners.values(), ({ machine }) => machine))
    while (taken.has(this.#nextMachine) && taken.size < machines) this.#nextMachine = (this.#nextMachine + 1) % machines
    const machine = this.#nextMachine
    this.#nextMachine = (machine + 1) % machines
    return machine
  }

  #acquire(client: string, address: string, shards: ReadonlyArray<string>): ClusterAnswer {
    const has = (shard: string): boolean => this.#owners.get(shard) === address
    const free = shards.filter((shard) => !this.#owners.has(shard))
    if (this.mayGive) this.#give(client, address, free.slice(0, limits.shards - this.#owners.size))
    return { type: "shards", shards: shards.filter(has) }
  }

  #give(client: string, address: string, shards: ReadonlyArray<string>): void {
    if (shards.length === 0) return
    let holder = this.#holders.get(address)
    if (holder === undefined) {
      holder = { client, shards: new Set() }
      this.#holders.set(address, holder)
    }
    for (const shard of shards) {
      const owner = this.#owners.get(shard)
      if (owner !== undefined && owner !== address) this.#release(owner, shard)
      this.#owners.set(shard, address)
      holder.shards.add(shard)
    }
  }

  #release(address: string, shard: string): void {
    const holder = this.#holders.get(address)
    if (holder === undefined || !holder.shards.delete(shard)) return
    this.#owners.delete(shard)
    if (holder.shards.size === 0) this.#holders.delete(address)
  }

  #releaseAll(address: string): void {
    const holder = this.#holders.get(address)
    if (holder === undefined) return
    for (const shard of holder.shards) this.#owners.delete(shard)
    this.#holders.delete(address)
  }
}

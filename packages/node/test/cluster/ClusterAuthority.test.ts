import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { FollowingAuthority, type PredecessorLink } from "../../src/cluster/ClusterAuthority.ts"
import type { ClusterAnswer, ClusterRequest } from "../../src/cluster/ClusterRequest.ts"
import { ShardLocks } from "../../src/cluster/ShardLocks.ts"

const acquire = (address: string, ...shards: Array<string>): ClusterRequest => ({ type: "acquire", address, shards })
const shards = (...given: Array<string>): ClusterAnswer => ({ type: "shards", shards: given })

/** A predecessor to which messages take as long as the test wants. */
class Predecessor {
  readonly locks = new ShardLocks()
  readonly #toIt: Array<() => void> = []
  readonly #fromIt: Array<() => void> = []
  readonly #authority: () => FollowingAuthority

  constructor(authority: () => FollowingAuthority) {
    this.#authority = authority
  }

  readonly link: PredecessorLink = {
    ask: (number, client, request) => {
      this.#toIt.push(() => {
        const answer = this.locks.ask(client, request)
        this.#fromIt.push(() => this.#authority().answered(number, answer))
      })
    },
    gone: (client) => void this.#toIt.push(() => this.locks.gone(client))
  }

  /** It handles a message, or one of its answers comes. */
  handle(): void {
    this.#toIt.shift()?.()
  }

  reply(): void {
    this.#fromIt.shift()?.()
  }

  settle(): void {
    while (this.#toIt.length + this.#fromIt.length > 0) {
      this.handle()
      this.reply()
    }
  }
}

const make = () => {
  const locks = new ShardLocks(100)
  const authority: FollowingAuthority = new FollowingAuthority(locks)
  const predecessor = new Predecessor(() => authority)
  const answers: Array<ClusterAnswer> = []
  const ask = (client: string, request: ClusterRequest) =>
    authority.ask(client, request, (answer) => void answers.push(answer))
  return { locks, authority, predecessor, answers, ask }
}

describe("a server whose predecessor still has workers", () => {
  it("has it answer, also what was asked before they were connected", () => {
    const { answers, ask, authority, locks, predecessor } = make()
    predecessor.locks.ask("old", acquire("a:0", "s:1"))
    ask("new", acquire("a:1", "s:1", "s:2"))
    authority.linked(predecessor.link)
    ask("new", { type: "register", address: "a:1", runner: "{}", healthy: true })
    assert.deepStrictEqual(answers, [])
    predecessor.settle()
    assert.deepStrictEqual(answers, [shards("s:2"), { type: "registered", machine: 0 }])
    assert.strictEqual(locks.size, 1)
    assert.strictEqual(locks.runners, 1)
  })

  it("goes on by itself with what its own workers have, when the predecessor has ended", () => {
    const { answers, ask, authority, predecessor } = make()
    authority.linked(predecessor.link)
    ask("one", { type: "register", address: "a:1", runner: "{1}", healthy: true })
    ask("one", acquire("a:1", "s:1"))
    predecessor.settle()
    answers.length = 0
    // Never answered.
    ask("two", acquire("a:2", "s:1", "s:2"))
    authority.alone(false)
    assert.deepStrictEqual(answers.splice(0), [shards()])
    ask("one", { type: "refresh", address: "a:1", shards: ["s:1", "s:2"] })
    ask("one", { type: "runners" })
    assert.deepStrictEqual(answers.splice(0), [shards("s:1"), { type: "runners", runners: [["{1}", true]] }])
    authority.settled()
    ask("two", acquire("a:2", "s:1", "s:2"))
    assert.deepStrictEqual(answers.splice(0), [shards("s:2")])
  })

  it("tells it who has gone, whose answers nobody waits for", () => {
    const { answers, ask, authority, locks, predecessor } = make()
    authority.linked(predecessor.link)
    ask("one", acquire("a:1", "s:1"))
    predecessor.handle()
    authority.gone("one")
    predecessor.settle()
    assert.deepStrictEqual(answers, [])
    assert.strictEqual(locks.size + predecessor.locks.size, 0)
  })

  it("does not go back to one that it has given up", () => {
    const { answers, ask, authority, predecessor } = make()
    authority.alone(true)
    authority.linked(predecessor.link)
    ask("one", acquire("a:1", "s:1"))
    assert.deepStrictEqual(answers, [shards("s:1")])
  })
})

const Move = Schema.Union([
  Schema.Struct({
    who: Schema.Literals(["old 1", "old 2", "new 1", "new 2"]),
    does: Schema.Literals(["acquire", "release", "releaseAll", "ends"]),
    shard: Schema.Literals(["s:1", "s:2", "s:3"])
  }),
  Schema.Struct({ who: Schema.Literal("predecessor"), does: Schema.Literals(["handles", "replies"]) }),
  Schema.Struct({ who: Schema.Literal("server"), does: Schema.Literals(["connects", "loses it"]) })
])

describe("two servers, one after the other", () => {
  it.prop(
    "never have a shard belong to two workers, whatever happens in whatever order, and lose none",
    [Schema.Array(Move).check(Schema.isMaxLength(60))],
    ([moves]) => {
      const { authority, locks, predecessor } = make()
      /** By shard, who may run its entities: from being told that it has it, until it lets go of it or has ended. */
      const running = new Map<string, string>()
      const ended = new Set<string>()
      let isThere = true
      let isConnected = false
      /** The last move in which a worker has let go of a shard; what was answered to something before that is not used. */
      const letGoAt = new Map<string, number>()
      let now = 0
      const take = (who: string, given: ClusterAnswer, askedAt: number) => {
        if (given.type !== "shards" || ended.has(who)) return
        for (const shard of given.shards) {
          if ((letGoAt.get(`${who} ${shard}`) ?? -1) > askedAt) continue
          assert.include([undefined, who], running.get(shard))
          running.set(shard, who)
        }
      }
      const letGo = (who: string, shards: ReadonlyArray<string> = ["s:1", "s:2", "s:3"]) => {
        for (const shard of shards) {
          if (running.get(shard) === who) running.delete(shard)
          letGoAt.set(`${who} ${shard}`, now)
        }
      }
      const end = (who: string) => {
        ended.add(who)
        letGo(who)
        if (who.startsWith("new")) authority.gone(who)
        else predecessor.locks.gone(who)
      }
      const ask = (who: string, request: ClusterRequest) => {
        const askedAt = now
        if (who.startsWith("new")) authority.ask(who, request, (answer) => take(who, answer, askedAt))
        else if (isThere) take(who, predecessor.locks.ask(who, request), askedAt)
      }
      for (const move of moves) {
        now++
        if (move.who === "predecessor") {
          if (!isThere) continue
          if (move.does === "handles") predecessor.handle()
          else predecessor.reply()
        } else if (move.who === "server") {
          if (move.does === "connects" && !isConnected && isThere) {
            isConnected = true
            authority.linked(predecessor.link)
          } else if (move.does === "loses it" && isConnected && isThere) {
            isThere = false
            // Killed, or not: its workers may have entities still, and have none when the time has passed.
            authority.alone(false)
          }
        } else if (!ended.has(move.who)) {
          const address = `a:${move.who}`
          if (move.does === "ends") end(move.who)
          else if (move.does === "acquire") ask(move.who, acquire(address, move.shard))
          else {
            // As a runner does: its entities have ended by then.
            const isOne = move.does === "release"
            letGo(move.who, isOne ? [move.shard] : undefined)
            ask(move.who, isOne ? { type: "release", address, shard: move.shard } : { type: "releaseAll", address })
          }
        }
      }
      now++
      for (const who of ["old 1", "old 2"]) if (!ended.has(who)) end(who)
      if (isConnected && isThere) predecessor.settle()
      authority.alone(true)
      authority.settled()
      // What nobody runs can be had by who wants it.
      authority.ask("new 3", acquire("a:3", "s:1", "s:2", "s:3"), (answer) => take("new 3", answer, now))
      assert.strictEqual(running.size, 3)
      for (const who of ["new 1", "new 2", "new 3"]) authority.gone(who)
      assert.strictEqual(locks.size, 0)
    }
  )
})

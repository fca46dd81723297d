import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import type { ClusterAnswer, ClusterRequest } from "../../src/cluster/ClusterRequest.ts"
import { asRequest, limits } from "../../src/cluster/ClusterRequest.ts"
import { ShardLocks } from "../../src/cluster/ShardLocks.ts"

const register = (address: string): ClusterRequest => ({
  type: "register",
  address,
  runner: `{${address}}`,
  healthy: true
})
const acquire = (address: string, ...shards: Array<string>): ClusterRequest => ({ type: "acquire", address, shards })
const refresh = (address: string, ...shards: Array<string>): ClusterRequest => ({ type: "refresh", address, shards })
const shards = (...given: Array<string>): ClusterAnswer => ({ type: "shards", shards: given })
const done: ClusterAnswer = { type: "done" }

const runnersOf = (locks: ShardLocks): ReadonlyArray<string> => {
  const answer = locks.ask("anybody", { type: "runners" })
  return answer.type === "runners" ? answer.runners.map(([runner, healthy]) => `${runner} ${healthy}`) : assert.fail()
}

describe("the locks of a cluster", () => {
  it("tell all runners of all others", () => {
    const locks = new ShardLocks()
    assert.deepStrictEqual(locks.ask("1", register("a:1")), { type: "registered", machine: 0 })
    assert.deepStrictEqual(locks.ask("2", register("a:2")), { type: "registered", machine: 1 })
    assert.deepStrictEqual(locks.ask("2", { type: "health", address: "a:1", healthy: false }), done)
    assert.deepStrictEqual(runnersOf(locks), ["{a:1} false", "{a:2} true"])
    assert.deepStrictEqual(locks.ask("1", { type: "unregister", address: "a:1" }), done)
    assert.deepStrictEqual(runnersOf(locks), ["{a:2} true"])
  })

  it("give a shard to one runner, until that lets go of it", () => {
    const locks = new ShardLocks()
    assert.deepStrictEqual(locks.ask("1", acquire("a:1", "s:1", "s:2")), shards("s:1", "s:2"))
    assert.deepStrictEqual(locks.ask("2", acquire("a:2", "s:2", "s:3")), shards("s:3"))
    assert.deepStrictEqual(locks.ask("1", refresh("a:1", "s:1", "s:3")), shards("s:1"))
    assert.deepStrictEqual(locks.ask("1", { type: "release", address: "a:1", shard: "s:2" }), done)
    assert.deepStrictEqual(locks.ask("2", acquire("a:2", "s:1", "s:2")), shards("s:2"))
    assert.deepStrictEqual(locks.ask("1", { type: "releaseAll", address: "a:1" }), done)
    assert.deepStrictEqual(locks.ask("2", acquire("a:2", "s:1")), shards("s:1"))
  })

  it("are not those of a client that has gone, nor is its address", () => {
    const locks = new ShardLocks()
    locks.ask("1", register("a:1"))
    locks.ask("1", acquire("a:1", "s:1"))
    assert.deepStrictEqual(locks.addressesOf("1"), ["a:1"])
    assert.strictEqual(locks.ask("2", register("a:1")).type, "refused")
    assert.strictEqual(locks.ask("2", { type: "releaseAll", address: "a:1" }).type, "refused")
    locks.gone("1")
    assert.deepStrictEqual(runnersOf(locks), [])
    assert.deepStrictEqual(locks.ask("2", acquire("a:1", "s:1")), shards("s:1"))
  })

  it("go on to be a runner's that has unregistered, while its entities end", () => {
    const locks = new ShardLocks()
    locks.ask("1", register("a:1"))
    locks.ask("1", acquire("a:1", "s:1"))
    locks.ask("1", { type: "unregister", address: "a:1" })
    assert.deepStrictEqual(locks.ask("2", acquire("a:2", "s:1")), shards())
    locks.gone("1")
    assert.deepStrictEqual(locks.ask("2", acquire("a:2", "s:1")), shards("s:1"))
  })

  it("are given to nobody while somebody unknown may have them; those that were given stay", () => {
    const locks = new ShardLocks()
    locks.ask("1", acquire("a:1", "s:1"))
    locks.mayGive = false
    assert.deepStrictEqual(locks.ask("1", acquire("a:1", "s:1", "s:2")), shards("s:1"))
    locks.mayGive = true
    assert.deepStrictEqual(locks.ask("1", acquire("a:1", "s:1", "s:2")), shards("s:1", "s:2"))
  })

  it("number runners such that no two that live have the same, and one that ends is not followed by its like", () => {
    const locks = new ShardLocks(1023)
    assert.deepStrictEqual(locks.ask("1", register("a:1")), { type: "registered", machine: 1023 })
    assert.deepStrictEqual(locks.ask("2", register("a:2")), { type: "registered", machine: 0 })
    assert.deepStrictEqual(locks.ask("1", register("a:1")), { type: "registered", machine: 1023 })
    locks.gone("2")
    assert.deepStrictEqual(locks.ask("3", register("a:3")), { type: "registered", machine: 1 })
  })

  it("are bounded, and so are runners", () => {
    const locks = new ShardLocks()
    const many = Array.from({ length: limits.shards + 1 }, (_, index) => `s:${index}`)
    locks.ask("1", acquire("a:1", ...many.slice(0, 10)))
    const answer = locks.ask("2", acquire("a:2", ...many.slice(10)))
    assert.strictEqual(answer.type === "shards" ? answer.shards.length : 0, limits.shards - 10)
    assert.strictEqual(locks.size, limits.shards)
    for (let index = 0; index < limits.runners; index++) locks.ask("1", register(`b:${index}`))
    assert.strictEqual(locks.ask("1", register("b:one too many")).type, "refused")
  })

  const Request = Schema.Union([
    Schema.Struct({ type: Schema.Literals(["register", "unregister", "releaseAll", "gone"]) }),
    Schema.Struct({
      type: Schema.Literals(["acquire", "refresh"]),
      shards: Schema.Array(Schema.Literals(["s:1", "s:2", "s:3"]))
    }),
    Schema.Struct({ type: Schema.Literal("release"), shard: Schema.Literals(["s:1", "s:2", "s:3"]) })
  ])
  const Step = Schema.Struct({ client: Schema.Literals(["1", "2", "3"]), request: Request })

  it.prop(
    "never belong to two, whatever clients ask, and nothing is left when all have gone",
    [Schema.Array(Step)],
    ([steps]) => {
      const locks = new ShardLocks()
      /** By shard, who was told that it has it and has not let go of it. */
      const believed = new Map<string, string>()
      for (const { client, request } of steps) {
        const address = `a:${client}`
        const mine = () => [...believed].filter(([, owner]) => owner === client).map(([shard]) => shard)
        if (request.type === "gone") {
          locks.gone(client)
          for (const shard of mine()) believed.delete(shard)
          continue
        }
        const asked: ClusterRequest = asRequest({ runner: "{}", healthy: true, ...request, address }) ?? assert.fail()
        const answer = locks.ask(client, asked)
        if (asked.type === "acquire" && answer.type === "shards") {
          for (const shard of answer.shards) {
            assert.include([undefined, client], believed.get(shard))
            believed.set(shard, client)
          }
          for (const shard of asked.shards) assert.isTrue(believed.has(shard), "one that is nobody's is given")
        }
        if (asked.type === "release" && believed.get(asked.shard) === client) believed.delete(asked.shard)
        if (asked.type === "releaseAll") for (const shard of mine()) believed.delete(shard)
        if (asked.type === "refresh") {
          assert.deepStrictEqual(answer, shards(...asked.shards.filter((shard) => believed.get(shard) === client)))
        }
      }
      assert.strictEqual(locks.size, believed.size)
      for (const client of ["1", "2", "3"]) locks.gone(client)
      assert.strictEqual(locks.size + locks.runners, 0)
    }
  )
})

describe("what was sent to the locks", () => {
  it.each([
    [{ type: "runners" }],
    [{ type: "register", address: "a:1", runner: "{}", healthy: false }],
    [{ type: "unregister", address: "a:1" }],
    [{ type: "health", address: "a:1", healthy: true }],
    [{ type: "acquire", address: "a:1", shards: ["s:1"] }],
    [{ type: "refresh", address: "a:1", shards: [] }],
    [{ type: "release", address: "a:1", shard: "s:1" }],
    [{ type: "releaseAll", address: "a:1" }]
  ])("is a request: %j", (request) => {
    assert.deepStrictEqual<unknown>(asRequest({ ...request, more: 1 }), request)
  })

  it.each([
    [undefined],
    ["runners"],
    [{ type: "other", address: "a:1" }],
    [{ type: "unregister" }],
    [{ type: "unregister", address: "" }],
    [{ type: "unregister", address: "a".repeat(limits.address + 1) }],
    [{ type: "register", address: "a:1", runner: "r".repeat(limits.runner + 1), healthy: true }],
    [{ type: "register", address: "a:1", runner: "{}" }],
    [{ type: "health", address: "a:1" }],
    [{ type: "acquire", address: "a:1" }],
    [{ type: "acquire", address: "a:1", shards: [1] }],
    [{ type: "refresh", address: "a:1", shards: Array.from({ length: limits.shards + 1 }, () => "s") }],
    [{ type: "release", address: "a:1", shard: "s".repeat(limits.shard + 1) }]
  ])("is none: %j", (value) => {
    assert.isUndefined(asRequest(value))
  })
})

import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import { turn } from "./support/FakeRedis.ts"
import { RedisWorld } from "./support/RedisWorld.ts"

const test = (title: string, processes: number, run: (world: RedisWorld) => Effect.Effect<void>) =>
  it.effect(title, () => Effect.flatMap(RedisWorld.make(processes), run).pipe(Effect.provide(Logger.layer([]))))

const connectionOf = (world: RedisWorld, index: number) => {
  const found = world.redis.openConnections.find(({ owner }) => owner === world.processes[index]?.id)
  if (found === undefined) throw new Error("it is not connected")
  return found
}

const at = (world: RedisWorld, index: number) => {
  const process = world.processes[index]
  if (process === undefined) throw new Error("no such process")
  return process
}

describe("RedisLink", () => {
  test("believes what is told while it reads more than what it reads", 3, (world) =>
    Effect.gen(function* () {
      const [one, two, three] = [at(world, 0), at(world, 1), at(world, 2)]
      yield* world.join(one, "t")
      yield* world.join(two, "t")
      yield* world.redis.settle
      const connection = connectionOf(world, 2)
      yield* world.watch(three, "t")
      yield* turn
      // SUBSCRIBE, and then which processes there are.
      for (let count = 0; count < 2; count++) {
        world.redis.read(connection)
        world.redis.deliver(connection)
        yield* turn
      }
      // Redis has told who is there, of both processes; before the second answer comes, the first member leaves.
      assert.isTrue(world.redis.read(connection))
      world.redis.deliver(connection)
      yield* world.leave(one, "t")
      world.redis.read(connectionOf(world, 0))
      while (world.redis.deliver(connection));
      yield* turn
      yield* world.redis.settle
      world.check(false)
    })
  )

  test("opens another connection when Redis says nothing any more, and tells of the gap", 2, (world) =>
    Effect.gen(function* () {
      const [one, two] = [at(world, 0), at(world, 1)]
      yield* world.subscribe(one, "t")
      yield* world.redis.settle
      const before = connectionOf(world, 0)
      for (let ticks = 0; ticks < 19; ticks++) yield* world.tick
      assert.isTrue(before.isOpen, "6 seconds are not over")
      for (let ticks = 0; ticks < 5; ticks++) yield* world.tick
      assert.isFalse(before.isOpen)
      yield* world.settle
      yield* world.publish(two, "t")
      yield* world.redis.settle
      assert.strictEqual(one.subscriptions.get("t")?.log[0], "gap")
      world.check(true)
    })
  )

  test("fails what Redis refuses, and nothing that was asked for beside it", 2, (world) =>
    Effect.gen(function* () {
      const [one, two] = [at(world, 0), at(world, 1)]
      world.redis.refuse = (command) =>
        command[0] === "SUBSCRIBE" && command.some((channel) => channel.endsWith(":secret")) ? "NOPERM no" : undefined
      const refused = yield* Effect.forkChild(Effect.exit(one.link.subscribe("secret")), { startImmediately: true })
      yield* world.subscribe(one, "t")
      yield* world.redis.settle
      const exit = yield* Fiber.join(refused)
      assert.isTrue(Exit.isFailure(exit))
      assert.match(String(exit), /NOPERM.*ACL SETUSER/)
      yield* world.publish(two, "t")
      yield* world.redis.settle
      world.check(false)
    })
  )

  test("asks Redis for a channel again when somebody wants it again in the same turn", 2, (world) =>
    Effect.gen(function* () {
      const [one, two] = [at(world, 0), at(world, 1)]
      yield* world.subscribe(one, "t")
      yield* world.redis.settle
      world.unsubscribe(one, "t")
      yield* world.subscribe(one, "t")
      yield* world.redis.settle
      yield* world.publish(two, "t")
      yield* world.redis.settle
      world.check(false)
    })
  )
})

import * as NodeRedis from "@effect/platform-node/NodeRedis"
import { assert, describe, it } from "@effect/vitest"
import * as Topics from "@pagi/core/Topics"
import * as RedisConnection from "@pagi/node/redis/RedisConnection"
import * as RedisTopics from "@pagi/node/RedisTopics"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import { Redis } from "effect/persistence/Redis"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { isInstalled, type RedisServer, startRedis } from "./support/RedisServer.ts"
import { connect, joinAs, listen, publish, room } from "./support/RedisTopics.ts"
import { slowNetwork } from "./support/SlowNetwork.ts"
import { until } from "./support/Until.ts"

describe.skipIf(!isInstalled)("topics by Redis", () => {
  it.live("bring what was published before they end", () =>
    Effect.gen(function* () {
      const redis = yield* startRedis()
      const heard = yield* listen(yield* connect(redis.url))
      const texts = Array.from({ length: 3000 }, (_, index) => `message ${index}`)
      const scope = yield* Scope.make()
      const one = yield* Scope.provide(connect(redis.url), scope)
      // More than may be under way, of which nobody waits for the rest.
      for (const text of texts) {
        yield* Effect.forkDetach(publish(one, text), { startImmediately: true })
      }
      yield* Scope.close(scope, Exit.void)
      yield* until(
        "the last message comes",
        Effect.sync(() => heard.at(-1) === texts.at(-1))
      )
      assert.deepStrictEqual(heard, texts)
    }).pipe(Effect.scoped)
  )

  it.live("refuse a node of a cluster and a replica, and say what they need", () =>
    Effect.gen(function* () {
      const refusalBy = (redis: RedisServer) => Effect.map(Effect.flip(connect(redis.url)), ({ message }) => message)
      const node = yield* startRedis(["--cluster-enabled", "yes"])
      assert.match(yield* refusalBy(node), /CLUSTERDOWN.*need one Redis server, not a node of a Redis Cluster/)
      const main = yield* startRedis()
      const replica = yield* startRedis(["--replicaof", `127.0.0.1 ${main.port}`])
      assert.match(yield* refusalBy(replica), /READONLY.*not a replica/)
      yield* connect(main.url)
    }).pipe(Effect.scoped)
  )
})

describe.skipIf(!isInstalled)("a connection to Redis", () => {
  it.live("leaves nothing open when it is given up before it is there", () =>
    Effect.gen(function* () {
      const redis = yield* startRedis()
      const { client } = Context.get(yield* Layer.build(NodeRedis.layer({ url: redis.url })), NodeRedis.NodeRedis)
      const open = RedisConnection.duplicate(client)({ onMessage: () => {}, onLost: () => {} })
      for (let count = 0; count < 5; count++) {
        yield* Fiber.interrupt(yield* Effect.forkChild(open, { startImmediately: true }))
      }
      // Time in which all of them would be there.
      yield* Effect.sleep("300 millis")
      const connections = Effect.promise(() => client.sendCommand(["CLIENT", "LIST"]))
      yield* until(
        "none is there",
        Effect.map(connections, (list) => String(list).trim().split("\n").length === 1),
        "3 seconds"
      )
    }).pipe(Effect.scoped)
  )
})

describe.skipIf(!isInstalled)("topics by Redis over a network that fails", () => {
  it.live("end soon while Redis stands still, with an answer due to the program's own client", () =>
    Effect.gen(function* () {
      const redis = yield* startRedis()
      const environment = ConfigProvider.layer(ConfigProvider.fromUnknown({ REDIS_URL: redis.url }))
      const scope = yield* Scope.make()
      const one = yield* Layer.buildWithScope(RedisTopics.layerConfig.pipe(Layer.provide(environment)), scope)
      yield* Scope.provide(joinAs(one, "one"), scope)
      yield* redis.signal("SIGSTOP")
      const asking = yield* Effect.forkChild(Context.get(one, Redis).send("SET", "a", "b"), { startImmediately: true })
      const ending = yield* Effect.forkDetach(Scope.close(scope, Exit.void))
      const ended = yield* Effect.timeoutOption(Fiber.await(ending), "5 seconds")
      yield* redis.signal("SIGCONT")
      assert.isTrue(Option.isSome(ended))
      assert.isTrue(Exit.isFailure(yield* Fiber.await(asking)))
    }).pipe(Effect.scoped)
  )

  it.live("get nothing from a connection that was lost once there is another, and warn of nothing else", () => {
    const lines: Array<string> = []
    const log = Logger.make(({ message }) => void lines.push(String(message)))
    return Effect.gen(function* () {
      const redis = yield* startRedis()
      const network = yield* slowNetwork(redis.port)
      const near = yield* connect(redis.url)
      const far = yield* connect(`redis://127.0.0.1:${network.port}`)
      const heard = yield* listen(near)
      // The far one looks who is there, as one that watches others asks Redis all the time.
      yield* joinAs(near, "near")
      yield* Effect.forkScoped(Stream.runDrain(Stream.provide(Topics.presence(room), far)))
      yield* publish(far, "before")
      yield* until(
        "a message comes",
        Effect.sync(() => heard.length === 1)
      )
      yield* network.keep
      for (let count = 0; count < 500; count++) yield* publish(far, `late ${count}`)
      yield* until(
        "there is another connection",
        Effect.sync(() => lines.some((line) => line.includes("connected again"))),
        "20 seconds"
      )
      yield* publish(far, "after")
      yield* until(
        "a message comes",
        Effect.sync(() => heard.includes("after"))
      )
      yield* network.bring
      // Long enough for all that was kept to come.
      for (let count = 0; count < 20; count++) {
        yield* publish(far, `later ${count}`)
        yield* Effect.sleep("50 millis")
      }
      yield* until(
        "all is there",
        Effect.sync(() => heard.includes("later 19"))
      )
      assert.deepStrictEqual(
        heard.filter((text) => text.startsWith("late ")),
        []
      )
      assert.deepStrictEqual(heard.slice(0, 3), ["before", "gap: disconnected", "after"])
      assert.lengthOf(lines, 2, lines.join("\n"))
    }).pipe(Effect.scoped, Effect.provide(Logger.layer([log])))
  })
})

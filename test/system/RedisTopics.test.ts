import * as NodeRedis from "@effect/platform-node/NodeRedis"
import { assert, describe, it } from "@effect/vitest"
import * as Topic from "@pagi/core/Topic"
import * as Topics from "@pagi/core/Topics"
import * as RedisTopics from "@pagi/node/RedisTopics"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { Redis } from "effect/persistence/Redis"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { freePort } from "../support/Ports.ts"
import { fixture, start } from "./support/Programs.ts"
import { isInstalled, startRedis } from "./support/RedisServer.ts"
import { connect, joinAs, listen, prefix, type Process, publish, room } from "./support/RedisTopics.ts"
import { stopwatch } from "../support/Stopwatch.ts"
import { until } from "./support/Until.ts"

/** Who is in the room, as long as the scope is open, and everything that was told of it. */
const look = (process: Process) =>
  Effect.gen(function* () {
    const told: Array<string> = []
    let present = new Map<string, string>()
    const events = Stream.provide(Topics.presence(room), process)
    yield* Effect.forkScoped(
      Stream.runForEach(events, (event) =>
        Effect.sync(() => {
          if (event.type === "present") {
            present = new Map(event.members.map(({ id, value }) => [id, value]))
            return
          }
          told.push(`${event.type} ${event.member.value}${event.type === "left" ? ` ${event.reason}` : ""}`)
          if (event.type === "joined") present.set(event.member.id, event.member.value)
          else present.delete(event.member.id)
        })
      )
    )
    return { told, names: () => [...present.values()].toSorted().join() }
  })

/** A real process, `fixtures/redisTopics.ts`. */
const startChild = (url: string) =>
  Effect.gen(function* () {
    const child = yield* start(globalThis.process.execPath, [fixture("redisTopics"), url, prefix])
    yield* until(
      "the child is ready",
      Effect.sync(() => child.output().includes("ready\n"))
    )
    return child
  })

const numbers = (count: number, word = "message") => Array.from({ length: count }, (_, index) => `${word} ${index + 1}`)

/** Milliseconds in which others know of a process what its connection tells. Its key tells the same after five or more. */
const promised = 2000

/** Milliseconds until something is so, which is to be at most so many. */
const within = (limit: number, what: string, isSo: () => boolean) =>
  Effect.gen(function* () {
    const watch = stopwatch()
    yield* until(what, Effect.sync(isSo), "20 seconds")
    const took = watch()
    console.log(`${what}: ${took.toFixed()} ms`)
    assert.isAtMost(took, limit, what)
  })

/** Sends Redis a command of its own. */
const command = (url: string, name: string, ...args: ReadonlyArray<string>) =>
  Effect.flatMap(Redis, (redis) => redis.send(name, ...args)).pipe(
    Effect.provide(Layer.fresh(NodeRedis.layer({ url })))
  )

describe.skipIf(!isInstalled)("topics by Redis", () => {
  it.live("carry everything once and in order, both ways between two processes", () =>
    Effect.gen(function* () {
      const { url } = yield* startRedis()
      const child = yield* startChild(url)
      const one = yield* connect(url)
      const two = yield* connect(url)
      const heardByOne = yield* listen(one)
      const heardByTwo = yield* listen(two)
      const count = 20_000
      for (const text of numbers(count, "ask")) yield* publish(one, text)
      yield* until(
        "all are there",
        Effect.sync(() => heardByTwo.length >= 2 * count && heardByOne.length >= 2 * count)
      )
      for (const heard of [heardByOne, heardByTwo]) {
        assert.deepStrictEqual(
          heard.filter((text) => text.startsWith("ask")),
          numbers(count, "ask")
        )
        assert.deepStrictEqual(
          heard.filter((text) => text.startsWith("answer")),
          numbers(count, "answer")
        )
        assert.strictEqual(heard.length, 2 * count)
      }
      assert.notInclude(child.output(), "gap")
    }).pipe(Effect.scoped)
  )

  it.live("keep programs with other prefixes and topics with any names apart", () =>
    Effect.gen(function* () {
      const { url } = yield* startRedis()
      const [one, two, other] = [yield* connect(url), yield* connect(url), yield* connect(url, { prefix: "other" })]
      const names = ["*", "ro?m", "room:c", "c:room", "a\r\nPUBLISH x y\0", "🙂".repeat(60), "__proto__"]
      const topics = names.map((name) => Topic.make(name, Schema.String, { member: Schema.String }))
      const heard = yield* Effect.forEach(topics, (topic) => listen(two, topic))
      const heardByOther = yield* listen(other)
      for (const topic of topics) yield* publish(one, topic.name, topic)
      yield* publish(one, "not for you")
      for (const topic of topics) yield* Effect.provide(Topics.join(topic, topic.name), one)
      for (const [index, name] of names.entries()) {
        yield* until(
          `a message to ${JSON.stringify(name)}`,
          Effect.sync(() => heard[index]?.length === 1)
        )
        assert.deepStrictEqual(heard[index], [name])
      }
      for (const topic of topics) {
        const members = yield* Effect.provide(Topics.members(topic), two)
        assert.deepStrictEqual(
          members.map(({ value }) => value),
          [topic.name]
        )
      }
      yield* publish(other, "to myself")
      yield* until(
        "it is there",
        Effect.sync(() => heardByOther.length > 0)
      )
      assert.deepStrictEqual(heardByOther, ["to myself"])
    }).pipe(Effect.scoped)
  )

  it.live("notice within 2 s that a process was killed, and leave nothing of it in Redis", () =>
    Effect.gen(function* () {
      const { url } = yield* startRedis()
      const one = yield* connect(url)
      yield* joinAs(one, "one")
      const seen = yield* look(one)
      const child = yield* startChild(url)
      yield* until(
        "the child is there",
        Effect.sync(() => seen.names() === "child,one")
      )
      yield* child.signal("SIGKILL")
      yield* within(promised, "a killed process is gone", () => seen.names() === "one")
      assert.deepStrictEqual(seen.told, ["joined child", "left child lost"])
      const keys = yield* command(url, "KEYS", "*")
      assert.isArray(keys)
      const text = String(keys)
      assert.notInclude(text, "elsewhere", "what is left of it in topics that nobody watches")
      assert.lengthOf(keys as ReadonlyArray<string>, 5, text)
      // The last of all takes everything with it.
    }).pipe(Effect.scoped)
  )

  it.live("leave nothing in Redis when they end, nor when a process that ended before was the last", () =>
    Effect.gen(function* () {
      const { url } = yield* startRedis()
      const child = yield* startChild(url)
      yield* child.signal("SIGKILL")
      yield* child.result
      const scope = yield* Scope.make()
      yield* Effect.gen(function* () {
        const one = yield* connect(url)
        yield* Effect.provide(Topics.join(Topic.make("other", Schema.String, { member: Schema.String }), "one"), one)
        const left = Effect.map(command(url, "KEYS", "*elsewhere*"), (keys) => Array.isArray(keys) && keys.length === 0)
        yield* until("what the child has left is gone", left)
      }).pipe(Scope.provide(scope))
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(yield* command(url, "KEYS", "*"), [])
    }).pipe(Effect.scoped)
  )

  it.live("are right again within 2 s after Redis was killed and started empty, and tell of the gap in its place", () =>
    Effect.gen(function* () {
      const redis = yield* startRedis()
      const { url } = redis
      const child = yield* startChild(url)
      const one = yield* connect(url)
      const two = yield* connect(url)
      yield* joinAs(one, "one")
      const seen = yield* look(two)
      const heard = yield* listen(two)
      yield* until(
        "all are there",
        Effect.sync(() => seen.names() === "child,one")
      )
      yield* publish(one, "before")
      yield* until(
        "a message is there",
        Effect.sync(() => heard.length === 1)
      )
      yield* redis.kill
      // What is published while Redis is away waits, and is sent if that is not for too long.
      const waiting = yield* Effect.forkChild(publish(one, "meanwhile"), { startImmediately: true })
      yield* Effect.sleep("1 second")
      yield* redis.startAgain
      const isTold = Effect.map(
        command(url, "KEYS", "pagi:test:m:*:room"),
        (keys) => Array.isArray(keys) && keys.length === 2
      )
      const watch = stopwatch()
      yield* until("Redis knows the members again", isTold)
      assert.isAtMost(watch(), promised)
      yield* Fiber.join(waiting)
      yield* until(
        "the gap is told",
        Effect.sync(() => heard.includes("gap: disconnected") && child.output().includes("gap: disconnected"))
      )
      yield* publish(one, "after")
      yield* publish(two, "ask 7")
      yield* until(
        "all is there",
        Effect.sync(() => heard.includes("after") && heard.includes("answer 7"))
      )
      const [first, gap, ...rest] = heard
      assert.deepStrictEqual([first, gap], ["before", "gap: disconnected"])
      const expected = ["after", "answer 7", "ask 7"]
      assert.deepStrictEqual(rest.filter((text) => text !== "meanwhile").toSorted(), expected, heard.join())
      // Long enough to notice who is lost: nobody is.
      yield* Effect.sleep("2 seconds")
      assert.strictEqual(seen.names(), "child,one")
      assert.deepStrictEqual(
        seen.told.filter((text) => text.startsWith("left")),
        []
      )
      const fresh = yield* connect(url)
      const members = yield* Effect.provide(Topics.members(room), fresh)
      assert.deepStrictEqual(members.map(({ value }) => value).toSorted(), ["child", "one"])
      yield* child.signal("SIGKILL")
      yield* within(promised, "a killed process is gone", () => seen.names() === "one")
    }).pipe(Effect.scoped)
  )

  it.live("lose nothing and nobody while Redis, or a process, stands still for 3 s", () =>
    Effect.gen(function* () {
      const redis = yield* startRedis()
      const { url } = redis
      const child = yield* startChild(url)
      const one = yield* connect(url)
      const seen = yield* look(one)
      const heard = yield* listen(one)
      yield* until(
        "the child is there",
        Effect.sync(() => seen.names() === "child")
      )
      yield* redis.signal("SIGSTOP")
      const texts = numbers(5000, "ask")
      const publishing = yield* Effect.forkChild(
        Effect.forEach(texts, (text) => publish(one, text), { discard: true }),
        { startImmediately: true }
      )
      yield* Effect.sleep("3 seconds")
      yield* redis.signal("SIGCONT")
      yield* Fiber.join(publishing)
      yield* until(
        "all answers are there",
        Effect.sync(() => heard.length >= 10_000)
      )
      yield* child.signal("SIGSTOP")
      for (const text of texts) yield* publish(one, text)
      yield* Effect.sleep("3 seconds")
      yield* child.signal("SIGCONT")
      yield* until(
        "all answers are there",
        Effect.sync(() => heard.length >= 20_000)
      )
      const answers = heard.filter((text) => text.startsWith("answer"))
      assert.deepStrictEqual(answers, [...numbers(5000, "answer"), ...numbers(5000, "answer")])
      assert.deepStrictEqual(
        heard.filter((text) => text.startsWith("gap")),
        []
      )
      assert.deepStrictEqual(
        seen.told.filter((text) => text.startsWith("left")),
        []
      )
      assert.notInclude(child.output(), "gap")
    }).pipe(Effect.scoped)
  )

  it.live("know a process anew that has stood still for so long that it was taken for lost", () =>
    Effect.gen(function* () {
      const { url } = yield* startRedis()
      const child = yield* startChild(url)
      const one = yield* connect(url)
      const seen = yield* look(one)
      yield* until(
        "the child is there",
        Effect.sync(() => seen.names() === "child")
      )
      yield* child.signal("SIGSTOP")
      yield* within(8000, "a process that says nothing any more is gone", () => seen.names() === "")
      yield* child.signal("SIGCONT")
      yield* within(promised, "it is back", () => seen.names() === "child")
      assert.deepStrictEqual(seen.told.slice(-2), ["left child lost", "joined child"])
      assert.lengthOf((yield* command(url, "KEYS", "*:elsewhere")) as ReadonlyArray<string>, 2)
    }).pipe(Effect.scoped)
  )

  it.live("come back by themselves when Redis ends their connections", () =>
    Effect.gen(function* () {
      const { url } = yield* startRedis()
      const child = yield* startChild(url)
      const one = yield* connect(url)
      const two = yield* connect(url)
      const seen = yield* look(two)
      const heard = yield* listen(two)
      yield* joinAs(one, "one")
      yield* until(
        "all are there",
        Effect.sync(() => seen.names() === "child,one")
      )
      for (let round = 1; round <= 3; round++) {
        yield* command(url, "CLIENT", "KILL", "TYPE", "pubsub")
        yield* until(
          "the gap is told",
          Effect.sync(() => heard.filter((text) => text.startsWith("gap")).length >= round)
        )
        yield* publish(one, `round ${round}`)
        yield* until(
          "a message comes again",
          Effect.sync(() => heard.includes(`round ${round}`))
        )
      }
      yield* Effect.sleep("2 seconds")
      assert.strictEqual(heard.filter((text) => text.startsWith("round")).length, 3)
      assert.strictEqual(seen.names(), "child,one")
      assert.deepStrictEqual(
        seen.told.filter((text) => text.startsWith("left")),
        []
      )
      assert.include(child.output(), "gap: disconnected")
    }).pipe(Effect.scoped)
  )

  it.live("fail in a bounded time while Redis is away, with what to do", () =>
    Effect.gen(function* () {
      const redis = yield* startRedis()
      const one = yield* connect(redis.url, { timeout: "2 seconds" })
      const heard = yield* listen(one)
      yield* redis.kill
      const error = yield* Effect.flip(publish(one, "hello"))
      assert.strictEqual(error.reason._tag, "TopicLinkFailed")
      assert.match(error.message, /Redis cannot be reached.*Look whether redis-server runs/)
      assert.deepStrictEqual(heard, ["hello"])
      const other = Topic.make("other", Schema.String)
      const refused = yield* Effect.flip(Effect.scoped(Effect.provide(Topics.subscribe(other), one)))
      assert.match(refused.message, /Redis cannot be reached/)
      // Whoever is in a topic is told to others when Redis is back.
      yield* joinAs(one, "one")
      yield* redis.startAgain
      yield* until(
        "the gap is told",
        Effect.sync(() => heard.includes("gap: disconnected"))
      )
      yield* Effect.scoped(Effect.provide(Topics.subscribe(other), one))
      const two = yield* connect(redis.url)
      const isThere = Effect.map(Effect.provide(Topics.members(room), two), ([member]) => member?.value === "one")
      yield* until("the member is known", isThere)
    }).pipe(Effect.scoped)
  )

  it.live("say what to do when Redis is not there, says nothing, or wants another password", () =>
    Effect.gen(function* () {
      const port = yield* freePort
      const nobody = `redis://user:secret@127.0.0.1:${port}`
      const environment = (url: string) => ConfigProvider.layer(ConfigProvider.fromUnknown({ REDIS_URL: url }))
      const start = (url: string) => Layer.build(RedisTopics.layerConfig.pipe(Layer.provide(environment(url))))
      const absent = yield* Effect.flip(start(nobody))
      assert.strictEqual(absent._tag, "RedisTopicsError")
      assert.match(
        absent.message,
        new RegExp(`redis://127\\.0\\.0\\.1:${port}.*ECONNREFUSED.*redis-server runs.*REDIS_URL`)
      )
      assert.notInclude(absent.message, "secret")
      for (const url of ["10.0.0.5:secret", "localhost:6379", "http://secret@localhost", "redis://a:secret@:x"]) {
        const wrong = yield* Effect.flip(start(url))
        assert.strictEqual(wrong._tag, "RedisTopicsError")
        assert.match(wrong.message, /^REDIS_URL is no URL of Redis, such as redis:/)
        assert.notInclude(wrong.message, "secret")
      }

      const redis = yield* startRedis(["--requirepass", "right"])
      for (const url of [redis.url, redis.url.replace("//", "//:wrong@")]) {
        const denied = yield* Effect.flip(start(url))
        assert.match(denied.message, /(NOAUTH|WRONGPASS).*Look at the user and password/)
      }
      const right = redis.url.replace("//", "//:right@")
      const one = yield* start(right)
      const two = yield* connect(right, { prefix: "topics" })
      const heard = yield* listen(two)
      yield* publish(one, "hello")
      yield* until(
        "a message comes",
        Effect.sync(() => heard.length === 1)
      )

      yield* redis.signal("SIGSTOP")
      const silent = yield* Effect.flip(start(right))
      assert.match(silent.message, /no answer within 5 seconds/)
      yield* redis.signal("SIGCONT")
    }).pipe(Effect.scoped)
  )

  it.live("need no more rights than they say", () =>
    Effect.gen(function* () {
      const { url } = yield* startRedis()
      const userUrl = url.replace("//", "//chat:word@")
      yield* command(url, "ACL", "SETUSER", "chat", "on", ">word")
      const denied = yield* Effect.flip(connect(userUrl))
      assert.strictEqual(denied._tag, "RedisTopicsError")
      const advice = /ACL SETUSER <user> (.*)$/.exec(denied.message)?.[1]
      assert.isDefined(advice, denied.message)
      yield* command(url, "ACL", "SETUSER", "chat", ...(advice ?? "").split(" "))
      yield* command(url, "ACL", "LOG", "RESET")
      const one = yield* connect(userUrl)
      const two = yield* connect(userUrl)
      const heard = yield* listen(one)
      const seen = yield* look(one)
      const scope = yield* Scope.make()
      yield* Scope.provide(joinAs(two, "two"), scope)
      yield* publish(two, "hello")
      yield* until(
        "all is there",
        Effect.sync(() => heard.length === 1 && seen.names() === "two")
      )
      yield* Scope.close(scope, Exit.void)
      yield* until(
        "it has left",
        Effect.sync(() => seen.names() === "")
      )
      assert.deepStrictEqual(yield* command(url, "ACL", "LOG"), [])
    }).pipe(Effect.scoped)
  )
})

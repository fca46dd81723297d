/**
 * One of two processes whose topics are joined as those of workers are, or by Redis where a URL says so: `publish`, which
 * publishes as fast as the other one reads, or `subscribe`, which tells every second how many messages have come and how
 * much memory it has.
 */
import * as NodeRedis from "@effect/platform-node/NodeRedis"
import * as Topic from "@pagi/core/Topic"
import * as Topics from "@pagi/core/Topics"
import * as PagiTopics from "@pagi/node/PagiTopics"
import * as RedisTopics from "@pagi/node/RedisTopics"
import { Pool } from "@pagi/node/process/Pool"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"

/** Where the sockets of workers are, or Redis. */
const [role, place] = process.argv.slice(2)

const topic = Topic.make("figures", Schema.Struct({ number: Schema.Number, text: Schema.String }))

/** 200 bytes as JSON. */
const valueOf = (number) => ({ number, text: "x".repeat(200 - 21 - String(number).length) })

/** So many are published in a turn of the event loop, as by many clients at the same time. */
const together = 64

const publish = Effect.gen(function* () {
  for (let number = 0; ;) {
    for (let count = 0; count < together; count++) yield* Topics.publish(topic, valueOf(number++))
    yield* Effect.yieldNow
  }
})

const subscribe = Effect.gen(function* () {
  const queue = yield* Topics.subscribe(topic, { capacity: 4096, whenFull: "wait" })
  let next
  let missing = 0
  let count = 0
  let bytes = 0
  setInterval(() => {
    process.stdout.write(`${JSON.stringify({ count, missing, bytes, resident: process.memoryUsage.rss() })}\n`)
    count = 0
  }, 1000)
  for (;;) {
    for (const value of yield* Queue.takeAll(queue)) {
      if (next !== undefined && value.number !== next) missing += 1
      next = value.number + 1
      count += 1
      bytes = JSON.stringify(value).length
    }
  }
})

const program = Effect.scoped(role === "publish" ? publish : subscribe)
const layer = place.startsWith("redis:")
  ? Layer.provide(RedisTopics.layer({ prefix: "bench" }), NodeRedis.layer({ url: place }))
  : Layer.provide(PagiTopics.layer, Layer.succeed(Pool, { folder: place, worker: role === "publish" ? 1 : 2 }))
await Effect.runPromise(Effect.provide(program, layer))

import type { WebSocketSendEvent } from "@pagi/core/Event"
import * as PagiApp from "@pagi/core/PagiApp"
import * as Topic from "@pagi/core/Topic"
import * as Topics from "@pagi/core/Topics"
import * as PagiTopics from "@pagi/node/PagiTopics"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { listenForControl } from "./support/publisher.ts"

const news = Topic.make("news", Schema.String)

const message = (text: string): WebSocketSendEvent => ({ type: "websocket.send", text })

const receiveAll = (receive: PagiApp.Receive<{ readonly type: string }>): Effect.Effect<void> =>
  Effect.flatMap(receive, (event) => (event.type === "websocket.disconnect" ? Effect.void : receiveAll(receive)))

const application = PagiApp.make({
  websocket: Effect.fnUntraced(function* (_scope, receive, send) {
    yield* receive
    yield* send({ type: "websocket.accept" })
    yield* Effect.raceFirst(Topics.forward(news, send, { message }), receiveAll(receive))
  })
})

const port = Number(process.argv[process.argv.indexOf("--port") + 1])

/** Workers are not told the port, and do not find it in their arguments. */
const controlPort = Number(process.env["BENCH_PORT"] ?? port)

const build = Effect.gen(function* () {
  const topics = yield* Topics.Topics
  const run = Effect.runForkWith(yield* Effect.context<Topics.Topics>())
  listenForControl(controlPort, {
    count: () => topics.hub.counts.subscribers,
    publish: (text) => void run(Topics.publish(news, text))
  })
  return application
})

export default Layer.provide(PagiApp.layerEffect(build), PagiTopics.layer)

/**
 * A chat of one room: what somebody says goes to everybody, whichever worker they are connected to.
 *
 *     npx pagi-server --workers 2 examples/15-topics.ts
 *     npx wscat -c ws://127.0.0.1:5000/        in two terminals, and say something
 *
 * docs/topics.md is about topics, and shows this file.
 */
import * as PagiApp from "@pagi/core/PagiApp"
import * as Topic from "@pagi/core/Topic"
import * as Topics from "@pagi/core/Topics"
import * as PagiTopics from "@pagi/node/PagiTopics"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"

const room = Topic.make("room/lobby", Schema.Struct({ text: Schema.String }))

const chat = PagiApp.make({
  websocket: Effect.fnUntraced(function* (_scope, receive, send) {
    yield* receive // websocket.connect
    const hear = Topics.forward(room, send, { onSubscribed: send({ type: "websocket.accept" }) })
    const talk = Effect.gen(function* () {
      for (;;) {
        const event = yield* receive
        if (event.type === "websocket.disconnect") return
        if (event.type === "websocket.receive") yield* Topics.publish(room, { text: event.text ?? "(bytes)" })
      }
    })
    // It ends with who talks, when all that was said has been told, or when somebody cannot hear.
    yield* Effect.raceFirst(Effect.andThen(hear, Effect.never), talk)
  })
})

export default PagiApp.layer(chat).pipe(Layer.provide(PagiTopics.layer))

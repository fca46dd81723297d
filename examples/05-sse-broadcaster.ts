/**
 * Server-sent events: what anyone posts reaches everyone who listens. A browser connects again by itself when the stream
 * ends, and says what it saw last, so it misses nothing that is still kept.
 *
 *     npx pagi-server examples/05-sse-broadcaster.ts
 *     open http://127.0.0.1:5000/ in a few browser windows, or
 *     curl -N -H 'Accept: text/event-stream' http://127.0.0.1:5000/events
 *     curl -d 'Hello, everyone' http://127.0.0.1:5000/messages
 *
 * Press Ctrl-C: the streams end at once, and the server with them.
 */
import type { HttpReceiveEvent, HttpSendEvent, SseReceiveEvent } from "@pagi/core/Event"
import * as HeaderBlock from "@pagi/core/HeaderBlock"
import * as PagiApp from "@pagi/core/PagiApp"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as PubSub from "effect/PubSub"

const page = `<!doctype html>
<meta charset="utf-8">
<title>Broadcaster</title>
<form><input name="text" autofocus autocomplete="off"> <button>Tell everyone</button></form>
<ul></ul>
<script>
  const form = document.querySelector("form")
  form.onsubmit = (event) => {
    event.preventDefault()
    fetch("/messages", { method: "POST", body: form.text.value })
    form.reset()
  }
  new EventSource("/events").onmessage = (event) => {
    const item = document.createElement("li")
    item.textContent = event.data
    document.querySelector("ul").prepend(item)
  }
</script>
`

interface Message {
  readonly number: number
  readonly text: string
}

/** Hands messages to everyone who listens, and keeps the last 100 for those who come back. */
const makeBroadcast = Effect.gen(function* () {
  // Who listens too slowly misses messages; nobody waits for them, and nothing piles up.
  const messages = yield* PubSub.sliding<Message>({ capacity: 1024, replay: 100 })
  // Numbers begin anew with the server, so an event's id has to tell from which run it is.
  const run = yield* Clock.currentTimeMillis
  let last = 0
  return {
    publish: (text: string) => Effect.suspend(() => PubSub.publish(messages, { number: ++last, text })),
    idOf: ({ number }: Message): string => `${run}-${number}`,
    /** What to listen to for somebody who saw the event with this id last, or comes for the first time. */
    listen: Effect.fnUntraced(function* (lastEventId: string | undefined) {
      const [seenRun, seenNumber] = (lastEventId ?? `${run}-${last}`).split("-")
      const seen = seenRun === String(run) ? Number(seenNumber) || 0 : 0
      const subscription = yield* PubSub.subscribe(messages)
      const next: Effect.Effect<Message> = Effect.flatMap(PubSub.take(subscription), (message) =>
        message.number > seen ? Effect.succeed(message) : next
      )
      return next
    })
  }
})

/** Completes when the client is gone. */
const disconnected = Effect.fnUntraced(function* (receive: PagiApp.Receive<SseReceiveEvent>) {
  while ((yield* receive).type !== "sse.disconnect");
})

const readText = Effect.fnUntraced(function* (receive: PagiApp.Receive<HttpReceiveEvent>) {
  const decoder = new TextDecoder()
  let text = ""
  for (;;) {
    const event = yield* receive
    if (event.type === "http.disconnect") return undefined
    text += decoder.decode(event.body, { stream: event.more })
    if (!event.more) return text
  }
})

const answer = (send: PagiApp.Send<HttpSendEvent>, status: number, body: string, contentType = "text/plain") =>
  Effect.andThen(
    send({ type: "http.response.start", status, headers: [["content-type", `${contentType}; charset=utf-8`]] }),
    send({ type: "http.response.body", body })
  )

export default Effect.gen(function* () {
  const broadcast = yield* makeBroadcast
  return PagiApp.make({
    http: Effect.fnUntraced(function* (scope, receive, send) {
      switch (`${scope.method} ${scope.path}`) {
        case "GET /":
          return yield* answer(send, 200, page, "text/html")
        case "GET /events":
          return yield* answer(send, 406, "This is for clients that accept text/event-stream.\n")
        case "POST /messages": {
          const text = yield* readText(receive)
          if (text === undefined) return
          yield* broadcast.publish(text)
          return yield* answer(send, 202, "Everyone is being told.\n")
        }
        default:
          return yield* answer(send, 404, "There is nothing here.\n")
      }
    }),

    sse: Effect.fnUntraced(function* (scope, receive, send) {
      if (scope.path !== "/events") {
        // 204 and not 404, which tells the client just as clearly not to come again.
        return yield* send({ type: "sse.start", status: 204 })
      }
      const next = yield* broadcast.listen(HeaderBlock.get(scope.headers, "last-event-id"))
      yield* send({ type: "sse.start" })
      // Some proxies close connections on which nothing happens for a minute.
      yield* send({ type: "sse.keepalive", interval: 15, comment: "still here" })
      yield* Effect.flatMap(next, (message) =>
        send({ type: "sse.send", id: broadcast.idOf(message), data: message.text })
      ).pipe(Effect.forever, Effect.raceFirst(disconnected(receive)), Effect.raceFirst(scope.shuttingDown))
    }, Effect.scoped)
  })
})

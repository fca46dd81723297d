import type * as Event from "@pagi/core/Event"
import * as PagiApp from "@pagi/core/PagiApp"
import * as Effect from "effect/Effect"
import * as Contract from "./support/contract.ts"

const contentTypeHeader: readonly [string, string] = ["content-type", Contract.contentType]

const startWithLength = (length: number) => ({
  type: "http.response.start" as const,
  status: 200,
  headers: [contentTypeHeader, ["content-length", String(length)] as const]
})

const echo = Effect.fnUntraced(function* (
  receive: PagiApp.Receive<Event.WebSocketReceiveEvent>,
  send: PagiApp.Send<Event.WebSocketSendEvent>
) {
  yield* receive
  yield* send({ type: "websocket.accept" })
  while (true) {
    const event = yield* receive
    if (event.type === "websocket.disconnect") return
    if (event.type === "websocket.connect") continue
    yield* event.text === undefined
      ? send({ type: "websocket.send", bytes: event.bytes })
      : send({ type: "websocket.send", text: event.text })
  }
})

const streamPieces = Effect.fnUntraced(function* (send: PagiApp.Send<Event.HttpSendEvent>, pieceCount: number) {
  yield* send({ type: "http.response.start", status: 200, headers: [contentTypeHeader] })
  for (let remaining = pieceCount - 1; remaining >= 0; remaining--) {
    yield* send({ type: "http.response.body", body: Contract.piece, more: remaining > 0 })
  }
})

export default PagiApp.make({
  http: (scope, receive, send) => {
    const answerText = (text: string) =>
      Effect.flatMap(send(startWithLength(text.length)), () => send({ type: "http.response.body", body: text }))

    switch (scope.path) {
      case Contract.lengthPath:
        return Effect.gen(function* () {
          let length = 0
          while (true) {
            const event = yield* receive
            if (event.type === "http.disconnect") return
            length += event.body.length
            if (!event.more) break
          }
          yield* answerText(String(length))
        })
      case Contract.streamPath:
        return streamPieces(send, Contract.pieceCount)
      case Contract.longStreamPath:
        return streamPieces(send, Contract.longPieceCount)
      case Contract.filePath:
        return Effect.andThen(
          send({ type: "http.response.start", status: 200, headers: [contentTypeHeader] }),
          send({ type: "http.response.body", file: Contract.file })
        )
      default:
        return answerText(Contract.greeting)
    }
  },
  // Keeps nothing of the scope, as the handler for the package ws keeps nothing of the request.
  websocket: (_scope, receive, send) => echo(receive, send)
})

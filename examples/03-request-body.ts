/**
 * Reading a request body as it arrives. The next piece is read from the network only when it is received here, so an
 * upload of any size takes little memory, and echoing one goes as fast as its slower end.
 *
 *     npx pagi-server --max-body-size 0 examples/03-request-body.ts
 *     curl -d 'some text' http://127.0.0.1:5000/                              says how much was sent
 *     curl -d 'some text' http://127.0.0.1:5000/echo                          sends it back
 *     head -c 1G /dev/zero | curl -T - http://127.0.0.1:5000/                 counts a gigabyte
 */
import type { HttpReceiveEvent, HttpSendEvent } from "@pagi/core/Event"
import * as HeaderBlock from "@pagi/core/HeaderBlock"
import * as PagiApp from "@pagi/core/PagiApp"
import * as Effect from "effect/Effect"

type Receive = PagiApp.Receive<HttpReceiveEvent>
type Send = PagiApp.Send<HttpSendEvent>

const count = Effect.fnUntraced(function* (receive: Receive, send: Send) {
  let size = 0
  let pieces = 0
  for (let more = true; more;) {
    const event = yield* receive
    if (event.type === "http.disconnect") return
    size += event.body.length
    pieces++
    more = event.more
  }
  yield* send({ type: "http.response.start", status: 200, headers: [["content-type", "text/plain"]] })
  yield* send({ type: "http.response.body", body: `${size} bytes in ${pieces} pieces\n` })
})

const echo = Effect.fnUntraced(function* (receive: Receive, send: Send, contentType: string) {
  yield* send({ type: "http.response.start", status: 200, headers: [["content-type", contentType]] })
  for (let more = true; more;) {
    const event = yield* receive
    if (event.type === "http.disconnect") return
    more = event.more
    yield* send({ type: "http.response.body", body: event.body, more })
  }
})

export default PagiApp.make({
  http: (scope, receive, send) =>
    scope.path === "/echo"
      ? echo(receive, send, HeaderBlock.get(scope.headers, "content-type") ?? "application/octet-stream")
      : count(receive, send)
})

/** Applications for tests of drivers, and the events that they send. */
import * as Effect from "effect/Effect"
import { fromBytes } from "../../../src/bytes/ByteString.ts"
import type { HttpReceiveEvent, HttpSendEvent } from "../../../src/contract/Event.ts"
import * as PagiApp from "../../../src/contract/PagiApp.ts"
import type { HttpScope } from "../../../src/contract/Scope.ts"
import type { HeaderBlock } from "../../../src/http/HeaderBlock.ts"

export type Receive = PagiApp.Receive<HttpReceiveEvent>
export type Send = PagiApp.Send<HttpSendEvent>

/** An application for requests, which notes the scopes that it was run for. */
export interface Recorded<E> {
  readonly application: PagiApp.Application<E | PagiApp.UnsupportedScope>
  readonly scopes: Array<HttpScope>
}

export const recorded = <E>(handler: PagiApp.HttpHandler<E>): Recorded<E> => {
  const scopes: Array<HttpScope> = []
  const application = PagiApp.make({
    http: (scope: HttpScope, receive: Receive, send: Send) => {
      scopes.push(scope)
      return handler(scope, receive, send)
    }
  })
  return { application, scopes }
}

export const textOf = (bytes: Uint8Array): string => fromBytes(bytes, 0, bytes.length)

// events -----------------------------------------------------------------------------------------------------------------

export const start = (status = 200, headers: HeaderBlock = [], trailers = false): HttpSendEvent => ({
  type: "http.response.start",
  status,
  headers,
  trailers
})

export const piece = (body: string | Uint8Array): HttpSendEvent => ({ type: "http.response.body", body, more: true })

export const last = (body: string | Uint8Array = ""): HttpSendEvent => ({ type: "http.response.body", body })

export const informational = (status: 102 | 103, headers: HeaderBlock = []): HttpSendEvent => ({
  type: "http.response.informational",
  status,
  headers
})

export const trailers = (headers: HeaderBlock): HttpSendEvent => ({ type: "http.response.trailers", headers })

// what applications do ---------------------------------------------------------------------------------------------------

/** Sends events one after the other. */
export const sendAll = (send: Send, events: ReadonlyArray<HttpSendEvent>) =>
  Effect.forEach(events, (event) => send(event), { discard: true })

/** Sends a whole response. */
export const respond = (send: Send, body: string, headers: HeaderBlock = []) =>
  sendAll(send, [start(200, headers), last(body)])

/** The whole request body; `undefined` when the peer left before its end. */
export const readBody = Effect.fnUntraced(function* (receive: Receive) {
  let text = ""
  for (;;) {
    const event = yield* receive
    if (event.type === "http.disconnect") return undefined
    text += textOf(event.body)
    if (!event.more) return text
  }
})

/** An event as tests write it down. */
export const plain = (event: HttpReceiveEvent): unknown =>
  event.type === "http.request" ? [textOf(event.body), event.more] : event.type

/** An application that notes every event up to the end of the content, and answers. */
export const noting = () => {
  const events: Array<unknown> = []
  const app = recorded<unknown>((_, receive, send) =>
    Effect.gen(function* () {
      for (;;) {
        const event = yield* receive
        events.push(plain(event))
        if (event.type === "http.disconnect") return
        if (!event.more) return yield* respond(send, "ok")
      }
    })
  )
  return { ...app, events }
}

/** Answers with the method, the target and the request's body. */
export const echo: PagiApp.HttpHandler<unknown> = Effect.fnUntraced(function* (scope, receive, send) {
  const body = yield* readBody(receive)
  if (body !== undefined) yield* respond(send, `${scope.method} ${scope.rawPath} ${body}`)
})

/** Answers at once and never asks for the body. */
export const hello: PagiApp.HttpHandler<unknown> = (scope, _, send) => respond(send, `hello ${scope.rawPath}`)

/** An application that sends these events, whatever becomes of each. */
export const sending = (...events: ReadonlyArray<HttpSendEvent>) => {
  const failures: Array<string> = []
  const app = recorded<unknown>((_, __, send: Send) =>
    Effect.forEach(events, (event) =>
      Effect.catch(send(event), (error) => Effect.sync(() => failures.push(error.message)))
    )
  )
  return { ...app, failures }
}

/** Answers with a response of pieces, and counts what could be sent by now. */
export const streaming = (pieceSize: number, count: number) => {
  const progress = { sent: 0, isComplete: false, edges: [] as Array<string> }
  const app = recorded<unknown>((scope, _, send) =>
    Effect.gen(function* () {
      scope.transport.onHighWater(() => progress.edges.push(`high at ${progress.sent}`))
      scope.transport.onDrain(() => progress.edges.push(`drain at ${progress.sent}`))
      yield* send(start())
      for (; progress.sent < count; progress.sent++) yield* send(piece("x".repeat(pieceSize)))
      yield* send(last())
      progress.isComplete = true
    })
  )
  return { ...app, progress }
}

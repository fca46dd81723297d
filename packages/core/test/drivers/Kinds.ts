/** What exchanges count as, whichever way the application is written. */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Stream from "effect/Stream"
import * as PagiApp from "../../src/PagiApp.ts"
import { last, respond, sendAll, start } from "./support/Applications.ts"
import * as Streams from "./support/EventStreams.ts"
import { accepting, close, endSessions, fakeSessions } from "./support/FakeWebSocket.ts"
import { type Harness, makeHarness, turn } from "./support/Harness.ts"
import type { Client, Version } from "./support/Version.ts"

const contentType = "Text/Event-Stream; charset=utf-8"
const tick = "data: tick\n\n"

/** The handlers answer `/stream` with an event stream, `/empty` with none in spite of its type, and others with text. */
const http: PagiApp.HttpHandler<unknown> = ({ path }, _receive, send) => {
  if (path === "/text") return respond(send, "text")
  const isEmpty = path === "/empty"
  return sendAll(send, [start(isEmpty ? 204 : 200, [["Content-Type", contentType]]), last(isEmpty ? "" : tick)])
}

const sse: PagiApp.SseHandler<unknown> = (scope, receive, send) =>
  scope.path === "/stream"
    ? Streams.sending(Streams.start, Streams.event("tick"))(scope, receive, send)
    : Effect.andThen(
        send({ type: "sse.http.response.start", status: scope.path === "/empty" ? 204 : 200, headers: [] }),
        send({ type: "sse.http.response.body", body: "" })
      )

const websocket: PagiApp.WebSocketHandler<unknown> = (scope, receive, send) =>
  scope.path === "/denied" ? send(close) : accepting(scope, receive, send)

/** Accepts a session and waits for its end; of its handshake alone, also where it denies one. */
const session = Effect.gen(function* () {
  const request = yield* HttpServerRequest.HttpServerRequest
  const { pull } = yield* (yield* request.upgrade).reader
  yield* Effect.ignore(pull)
  return HttpServerResponse.empty()
})

const program = Effect.gen(function* () {
  const { url } = yield* HttpServerRequest.HttpServerRequest
  if (url === "/session") return yield* session
  if (url === "/denied") return HttpServerResponse.empty({ status: 403 })
  if (url === "/empty") return HttpServerResponse.empty({ status: 204, headers: { "content-type": contentType } })
  if (url === "/text") return HttpServerResponse.text("text")
  return HttpServerResponse.stream(Stream.make(new TextEncoder().encode(tick)), { contentType })
})

const fetched = (request: Request): Response => {
  const { pathname } = new URL(request.url)
  const headers = { "content-type": contentType }
  if (pathname === "/empty") return new Response(null, { status: 204, headers })
  return pathname === "/text" ? new Response("text") : new Response(new Blob([tick]).stream(), { headers })
}

/** Every way to write an application, as far as it has sessions. */
const ways: Readonly<Record<string, { readonly application: PagiApp.Application<unknown>; readonly paths: string }>> = {
  "of events": { application: PagiApp.make({ http, sse, websocket }), paths: "/session /denied" },
  "of events for requests alone": { application: PagiApp.make({ http, websocket }), paths: "/session /denied" },
  "of Effect's HTTP": { application: PagiApp.fromHttpEffect(program.pipe(Effect.scoped)), paths: "/session /denied" },
  "of the Fetch standard": { application: PagiApp.fromFetch(fetched), paths: "" }
}

/** The kinds of the exchanges that have ended, by path. */
const kinds = ({ log }: Harness) => Object.fromEntries(log.map(({ kind, request }) => [request?.target, kind]))

/** Waits for so many exchanges to end; what some applications need is loaded at the first. */
const ended = (harness: Harness, count: number): Effect.Effect<void> =>
  Effect.gen(function* () {
    while (harness.log.length < count) yield* turn
  })

export const testKinds = (version: Version): void => {
  for (const [name, { application, paths }] of Object.entries(ways)) {
    it.effect(`is what it was, of an application ${name}`, () =>
      Effect.gen(function* () {
        const harness = yield* makeHarness(version, application, { webSocket: fakeSessions().make })
        const clients: Array<Client> = []
        const asked = (client: Client): Client => {
          clients.push(client)
          return client
        }
        for (const path of ["/stream", "/empty", "/text"]) {
          asked(harness.connect()).request({ path, ...Streams.getStream })
          yield* ended(harness, clients.length)
        }
        asked(harness.connect()).request({ path: "/stream?head", method: "HEAD" })
        yield* ended(harness, clients.length)
        const expected = { "/stream": "sse", "/empty": "http", "/text": "http", "/stream?head": "http" }
        assert.deepStrictEqual<unknown>(kinds(harness), expected)
        const handshakes = paths.split(" ").filter((path) => path !== "")
        for (const path of handshakes) {
          asked(harness.connect()).handshake({ path })
          yield* turn
        }
        yield* endSessions(harness, ...clients)
        const sessions = handshakes.length === 0 ? {} : { "/session": "websocket", "/denied": "http" }
        assert.deepStrictEqual<unknown>(kinds(harness), { ...expected, ...sessions })
      })
    )
  }

  it.effect("is that of a request when it ends before anything was sent", () =>
    Effect.gen(function* () {
      const never = PagiApp.make({ http: () => Effect.never, sse: () => Effect.never, websocket: () => Effect.never })
      const harness = yield* makeHarness(version, never, { webSocket: fakeSessions().make })
      const [stream, session] = [harness.connect(), harness.connect()]
      stream.request({ path: "/stream", ...Streams.getStream })
      session.handshake({ path: "/session" })
      yield* turn
      for (const { transport } of [stream, session]) transport.fail()
      yield* endSessions(harness)
      assert.deepStrictEqual<unknown>(kinds(harness), { "/stream": "http", "/session": "http" })
    })
  )
}

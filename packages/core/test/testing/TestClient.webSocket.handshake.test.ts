import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as PagiApp from "../../src/contract/PagiApp.ts"
import type { WebSocketScope } from "../../src/contract/Scope.ts"
import * as TestClient from "../../src/testing/TestClient.ts"
import { accept, accepting, connect, disconnected, fork, webSocket } from "../support/WebSocketApps.ts"

describe("a handshake of TestClient", () => {
  it.effect("is accepted with the subprotocol and the fields that the application chooses", () =>
    Effect.gen(function* () {
      const client = yield* webSocket((_scope, receive, send) =>
        Effect.andThen(
          send({ type: "websocket.accept", subprotocol: "chat", headers: [["X-Session", "7"]] }),
          disconnected(receive)
        )
      )
      const socket = yield* client.webSocket({ subprotocols: ["soap", "chat"] })
      assert.deepStrictEqual([socket.subprotocol, socket.headers], ["chat", [["x-session", "7"]]])
      const plain = yield* connect(accepting(disconnected))
      assert.deepStrictEqual([plain.subprotocol, plain.headers], [undefined, []])
    })
  )

  const scopeFor = (request: TestClient.WebSocketRequest, options?: TestClient.Options) =>
    Effect.gen(function* () {
      const scopes: Array<WebSocketScope> = []
      const client = yield* webSocket((scope, _receive, send) => {
        scopes.push(scope)
        return send(accept)
      }, options)
      yield* client.webSocket(request)
      const [scope] = scopes
      return scope === undefined ? assert.fail("the application was not run") : scope
    })

  it.effect("gives the application the scope that a server gives", () =>
    Effect.gen(function* () {
      const scope = yield* scopeFor({
        path: "/a%20b?c=%20",
        headers: [["X-Name", "v"]],
        subprotocols: ["soap", "chat"]
      })
      assert.deepStrictEqual(
        [scope.type, scope.scheme, scope.httpVersion, scope.path, scope.rawPath, scope.queryString],
        ["websocket", "ws", "1.1", "/a b", "/a%20b", "c=%20"]
      )
      assert.deepStrictEqual(scope.headers, [
        ["host", "localhost"],
        ["connection", "Upgrade"],
        ["upgrade", "websocket"],
        ["sec-websocket-version", "13"],
        ["sec-websocket-key", "AAECAwQFBgcICQoLDA0ODw=="],
        ["sec-websocket-protocol", "soap, chat"],
        ["x-name", "v"]
      ])
      assert.deepStrictEqual(scope.subprotocols, ["soap", "chat"])
      assert.deepStrictEqual(scope.extensions, { fullflush: {}, "websocket.http.response": {} })
      const secure = yield* scopeFor({}, { secure: true, client: ["::1", 1] })
      assert.deepStrictEqual([secure.scheme, secure.client, secure.subprotocols], ["wss", ["::1", 1], []])
    })
  )

  it.effect("has the fields of a client, unless they are given", () =>
    Effect.gen(function* () {
      const headers = [
        ["Host", "example.org"],
        ["Sec-WebSocket-Key", "dGVzdGluZyBhIHNlcnZlcg=="],
        ["Sec-WebSocket-Protocol", "a , b"],
        ["Sec-WebSocket-Protocol", "c"]
      ] as const
      const scope = yield* scopeFor({ headers, subprotocols: ["ignored"] })
      const fields = scope.headers.map(([name, value]) => `${name}: ${value}`)
      assert.deepStrictEqual(fields, [
        "connection: Upgrade",
        "upgrade: websocket",
        "sec-websocket-version: 13",
        "host: example.org",
        "sec-websocket-key: dGVzdGluZyBhIHNlcnZlcg==",
        "sec-websocket-protocol: a , b",
        "sec-websocket-protocol: c"
      ])
      assert.deepStrictEqual(scope.subprotocols, ["a", "b", "c"])
    })
  )

  const malformed: ReadonlyArray<TestClient.WebSocketRequest> = [
    { path: "relative" },
    { path: "/%" },
    { headers: [["x a", "1"]] },
    { headers: [["x-a", "\n"]] },
    { subprotocols: ["a b"] },
    { subprotocols: [""] },
    { subprotocols: ["chat", "chat"] },
    { headers: [["sec-websocket-protocol", "a,,b"]] }
  ]

  it.effect.each(malformed)("that is %j is answered with 400, without the application", (request) =>
    Effect.gen(function* () {
      const client = yield* webSocket(() => assert.fail("must not be run"))
      const error = yield* Effect.flip(client.webSocket(request))
      assert.strictEqual(error._tag === "WebSocketRefused" ? error.response.status : error._tag, 400)
    })
  )

  const refusals: ReadonlyArray<
    readonly [name: string, handler: PagiApp.WebSocketHandler<unknown>, status: number, text: string]
  > = [
    ["closes", (_scope, _receive, send) => send({ type: "websocket.close", code: 4000 }), 403, ""],
    ["fails", () => Effect.fail("why"), 500, "internal server error\n"],
    ["returns", () => Effect.void, 500, "internal server error\n"],
    ["returns later", () => Effect.yieldNow, 500, "internal server error\n"],
    [
      "responds",
      (_scope, _receive, send) =>
        Effect.gen(function* () {
          yield* send({ type: "websocket.http.response.start", status: 401, headers: [["X-Why", "token"]] })
          yield* send({ type: "websocket.http.response.body", body: "who are ", more: true })
          yield* send({ type: "websocket.http.response.body", body: "you?" })
        }),
      401,
      "who are you?"
    ],
    [
      "accepts what was not offered, and does not notice",
      (_scope, _receive, send) => Effect.ignore(send({ type: "websocket.accept", subprotocol: "mqtt" })),
      500,
      "internal server error\n"
    ]
  ]

  it.effect.each(refusals)("is refused when the application %s", ([, handler, status, text]) =>
    Effect.gen(function* () {
      const client = yield* webSocket(handler)
      const error = yield* Effect.flip(client.webSocket({}))
      if (error._tag !== "WebSocketRefused") return assert.fail(error.message)
      assert.deepStrictEqual([error.response.status, error.response.text], [status, text])
      assert.strictEqual(error.message, `the WebSocket was refused with status ${status}`)
      assert.strictEqual(error.response.header("x-why"), status === 401 ? "token" : undefined)
    })
  )

  it.effect("may be refused by a body that the client takes piece by piece", () =>
    Effect.gen(function* () {
      const piece = { type: "websocket.http.response.body", body: "12345678" } as const
      const client = yield* webSocket(
        (_scope, _receive, send) =>
          Effect.andThen(
            send({ type: "websocket.http.response.start", status: 200 }),
            Effect.forEach([true, true, true, false], (more) => send({ ...piece, more }), { discard: true })
          ),
        { writeHighWatermark: 4, writeLowWatermark: 0 }
      )
      const error = yield* Effect.flip(client.webSocket({}))
      assert.strictEqual(error._tag === "WebSocketRefused" ? error.response.text : "", "12345678".repeat(4))
    })
  )

  it.effect("ends in an incomplete response when the application breaks its refusal off", () =>
    Effect.gen(function* () {
      const client = yield* webSocket((_scope, _receive, send) =>
        send({ type: "websocket.http.response.start", status: 401 })
      )
      const error = yield* Effect.flip(client.webSocket({}))
      assert.strictEqual(error._tag === "IncompleteResponse" ? error.received?.status : error._tag, 401)
    })
  )

  it.effect("is an ordinary request for an application without a handler", () =>
    Effect.gen(function* () {
      const app = PagiApp.make({
        http: (scope, _receive, send) =>
          Effect.andThen(
            send({ type: "http.response.start", status: 404 }),
            send({ type: "http.response.body", body: `${scope.method} ${scope.path}` })
          )
      })
      const client = yield* TestClient.make(app)
      const error = yield* Effect.flip(client.webSocket({ path: "/chat", headers: [["accept", "text/event-stream"]] }))
      if (error._tag !== "WebSocketRefused") return assert.fail(error.message)
      assert.deepStrictEqual([error.response.status, error.response.text], [404, "GET /chat"])
    })
  )

  it.effect("lets the application accept in a better way after an accept that failed", () =>
    Effect.gen(function* () {
      const errors: Array<string> = []
      const socket = yield* connect((_scope, receive, send) =>
        Effect.gen(function* () {
          for (const name of ["x a", "Connection", "x-a"]) {
            const attempt = send({ type: "websocket.accept", headers: [[name, "\0"]] })
            errors.push((yield* Effect.flip(attempt)).message)
          }
          yield* send(accept)
          yield* disconnected(receive)
        })
      )
      assert.deepStrictEqual(errors, [
        `websocket.accept: header name "x a" is not a token: a space (U+0020) at position 2 of 3`,
        `websocket.accept: the header "Connection" is the server's to write`,
        `websocket.accept: the value of header "x-a" has a forbidden character: NUL (U+0000) at position 1 of 1`
      ])
      assert.deepStrictEqual(socket.headers, [])
    })
  )

  it.effect("waits for the application, and tells it of a client that does not", () =>
    Effect.gen(function* () {
      const told: Array<string> = []
      const client = yield* webSocket((_scope, receive, send) =>
        Effect.gen(function* () {
          yield* Effect.sleep("1 second")
          yield* send(accept)
          told.push(yield* disconnected(receive))
        })
      )
      const socket = yield* fork(client.webSocket({}))
      yield* TestClock.adjust("900 millis")
      assert.isUndefined(socket.pollUnsafe())
      yield* TestClock.adjust("100 millis")
      yield* (yield* Fiber.join(socket)).close()
      const impatient = yield* fork(client.webSocket({}))
      yield* Fiber.interrupt(impatient)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(told, ["1005", "1006 client_closed"])
    })
  )
})

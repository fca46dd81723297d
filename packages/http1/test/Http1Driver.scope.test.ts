import { assert, describe, it } from "@effect/vitest"
import type { MemoryTransportOptions } from "@pagi/core/testing/MemoryTransport"
import * as Effect from "effect/Effect"
import { hello, recorded } from "@pagi/core/test/drivers/support/Applications"
import { finish, makeHarness, statuses, turn } from "./support/DriverHarness.ts"
import { lines } from "./support/Machine.ts"

/** The scopes of the requests in these bytes, and what is answered. */
const serve = (bytes: string, options?: MemoryTransportOptions) =>
  Effect.gen(function* () {
    const { application, scopes } = recorded(hello)
    const harness = yield* makeHarness(application)
    const transport = harness.connect(options)
    transport.push(bytes)
    yield* turn
    const { ending, text } = transport
    yield* finish(harness, transport)
    return { scopes, text, ending }
  }).pipe(Effect.scoped)

describe("the http scope", () => {
  it.effect("of HTTP/1.0 says so", () =>
    Effect.gen(function* () {
      const { scopes } = yield* serve(lines("GET / HTTP/1.0"))
      assert.deepStrictEqual(
        scopes.map(({ httpVersion }) => httpVersion),
        ["1.0"]
      )
    })
  )

  it.effect("of an absolute form: its authority is the host, its scheme is not trusted", () =>
    Effect.gen(function* () {
      const [scope, bare] = (yield* serve(
        lines("GET https://b.example:8080/x%2Fy?q HTTP/1.1", "Host: a") +
          lines("GET http://b.example?q HTTP/1.1", "Host: a")
      )).scopes
      assert.deepStrictEqual(
        [scope?.scheme, scope?.path, scope?.rawPath, scope?.queryString],
        ["http", "/x/y", "/x%2Fy", "q"]
      )
      assert.deepStrictEqual(scope?.headers, [["host", "b.example:8080"]])
      assert.deepStrictEqual([bare?.path, bare?.rawPath, bare?.queryString], ["/", "/", "q"])
    })
  )

  it.effect("has names in lower case, and one Cookie field whatever their case was", () =>
    Effect.gen(function* () {
      const bytes = lines("GET / HTTP/1.1", "Cookie: a=1", "Host: a", "cookie: b=2", "X: y", "COOKIE: c=3")
      assert.deepStrictEqual((yield* serve(bytes)).scopes[0]?.headers, [
        ["cookie", "a=1; b=2; c=3"],
        ["host", "a"],
        ["x", "y"]
      ])
    })
  )

  it.effect("is not there for what follows a request for another host, which closes the connection", () =>
    Effect.gen(function* () {
      const right = lines("GET / HTTP/1.1", "Host: A.test:443")
      const wrong = lines("POST / HTTP/1.1", "Host: b.test", "Content-Length: 3")
      const { ending, scopes, text } = yield* serve(`${right}${wrong}abc${right}`, { expectedHost: "a.test" })
      assert.deepStrictEqual(statuses(text), [200, 421])
      assert.match(text, /\r\nconnection: close\r\n.*\r\n\r\nmisdirected request\n$/s)
      assert.strictEqual(ending, "ended")
      assert.strictEqual(scopes.length, 1)
    })
  )
})

import { assert, describe, it } from "@effect/vitest"
import * as PagiApp from "@pagi/core/PagiApp"
import type { Input } from "@pagi/core/ServerOptions"
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { join } from "node:path"
import { type Client, open, openUnix, requestText } from "./support/Client.ts"
import { serve } from "./support/Server.ts"
import { temporaryFolder } from "../../../test/support/TemporaryFolder.ts"

const own = /\r\n\r\n[0-9a-z]{12}-\w+$/

/** What a client gets that sends an id. */
const askWith = (client: Client, id: string) => {
  client.send(requestText("/", `x-request-id: ${id}\r\nconnection: close\r\n`))
  return Effect.map(client.ended, () => client.text)
}

/** Programs of each kind, which answer with the id that they see. */
const applications = {
  "handlers of the contract": PagiApp.make({
    http: ({ requestId }, _receive, send) =>
      Effect.andThen(
        send({ type: "http.response.start", status: 200 }),
        send({ type: "http.response.body", body: requestId ?? "none" })
      )
  }),
  "programs for Effect's HTTP server": PagiApp.fromHttpEffect(
    Effect.map(HttpServerRequest.HttpServerRequest, ({ headers }) =>
      HttpServerResponse.text(headers["x-request-id"] ?? "none")
    )
  ),
  "fetch handlers": PagiApp.fromFetch((request) => new Response(request.headers.get("x-request-id") ?? "none"))
}

describe.each(Object.entries(applications))("the ids of requests, for %s,", (_, application) => {
  const answerTo = (options: Input, id: string) =>
    Effect.gen(function* () {
      const { port } = yield* serve(application, options)
      return yield* askWith(yield* open(port), id)
    })

  it.live("are those of proxies that are trusted, and others that are made", () =>
    Effect.gen(function* () {
      const trusting: Input = { requestId: "trust", trustedProxies: ["127.0.0.0/8"] }
      assert.match(yield* answerTo(trusting, "of-the-proxy"), /\r\n\r\nof-the-proxy$/)
      assert.match(yield* answerTo(trusting, "not sane"), own)
      assert.match(yield* answerTo({ ...trusting, trustedProxies: ["10.0.0.0/8", "unix"] }, "of-a-stranger"), own)
      assert.match(yield* answerTo({ requestId: "make" }, "of-a-client"), own)
    })
  )

  it.live("come by Unix sockets too, if these are trusted", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const [trusted, other] = [join(folder, "trusted.sock"), join(folder, "other.sock")]
      yield* serve(application, { socket: trusted, requestId: "trust", trustedProxies: ["unix"] })
      yield* serve(application, { socket: other, requestId: "trust", trustedProxies: ["127.0.0.1"] })
      assert.match(yield* askWith(yield* openUnix(trusted), "of-the-proxy"), /\r\n\r\nof-the-proxy$/)
      assert.match(yield* askWith(yield* openUnix(other), "of-a-stranger"), own)
    })
  )
})

import { assert, describe, it } from "@effect/vitest"
import * as PagiApp from "@pagi/core/PagiApp"
import type { Input } from "@pagi/core/ServerOptions"
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Option from "effect/Option"
import { readFileSync } from "node:fs"
import { connect } from "node:http2"
import { join } from "node:path"
import { open, requestText } from "./support/Client.ts"
import { serve } from "./support/Server.ts"
import { temporaryFolder } from "../../../test/support/TemporaryFolder.ts"

/** Programs of each kind, which answer with the client and the URL that they see. */
const applications = {
  "handlers of the contract": PagiApp.make({
    http: ({ client, headers, path, rootPath, scheme }, _receive, send) =>
      Effect.andThen(
        send({ type: "http.response.start", status: 200 }),
        send({
          type: "http.response.body",
          body: `${client?.[0]} ${scheme}://${headers.find(([name]) => name === "host")?.[1]}${rootPath}${path}`
        })
      )
  }),
  "programs for Effect's HTTP server": PagiApp.fromHttpEffect(
    Effect.map(HttpServerRequest.HttpServerRequest, ({ originalUrl, remoteAddress }) =>
      HttpServerResponse.text(`${Option.getOrElse(remoteAddress, () => "none")} ${originalUrl}`)
    )
  ),
  "fetch handlers": PagiApp.fromFetch((request, info) => {
    const { origin, pathname } = new URL(request.url)
    return new Response(`${info.remoteAddress} ${origin}${info.rootPath}${pathname}`)
  })
}

const fields = {
  "x-forwarded-for": "6.6.6.6, 192.0.2.7",
  "x-forwarded-proto": "https",
  "x-forwarded-host": "example.org",
  "x-forwarded-prefix": "/shop"
}

const overHttp1 = (port: number) =>
  Effect.gen(function* () {
    const client = yield* open(port)
    const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`)
    client.send(requestText("/cart", `${lines.join("")}connection: close\r\n`))
    yield* client.ended
    return client.body.toString()
  })

const overHttp2 = (port: number) =>
  Effect.promise(
    () =>
      new Promise<string>((resolve, reject) => {
        const session = connect(`http://127.0.0.1:${port}`)
        session.on("error", reject)
        const request = session.request({ ":path": "/cart", ":authority": "test", ...fields })
        let text = ""
        request.setEncoding("utf8")
        request.on("data", (piece: string) => (text += piece))
        request.on("error", reject)
        request.on("end", () => {
          session.close()
          resolve(text)
        })
      })
  )

const ways = { "HTTP/1.1": overHttp1, "HTTP/2": overHttp2 }

describe.each(Object.entries(applications))("clients behind proxies, for %s,", (_, application) => {
  describe.each(Object.entries(ways))("over %s", (_way, ask) => {
    const answerTo = (options: Input) => Effect.flatMap(serve(application, options), ({ port }) => ask(port))

    it.live("are those that trusted ones name", () =>
      Effect.gen(function* () {
        const trustedProxies = ["127.0.0.0/8"]
        assert.match(yield* answerTo({ trustedProxies }), /192\.0\.2\.7 https:\/\/example\.org\/shop\/cart/)
        const narrow = yield* answerTo({ trustedProxies, trustedFields: ["for"], rootPath: "/own" })
        assert.match(narrow, /192\.0\.2\.7 http:\/\/test\/own\/cart/)
      })
    )

    it.live("are the peers, if nobody is trusted or somebody else", () =>
      Effect.gen(function* () {
        for (const options of [{}, { trustedProxies: ["10.0.0.0/8", "unix"] }]) {
          assert.match(yield* answerTo(options), /127\.0\.0\.1 http:\/\/test\/cart/)
        }
      })
    )
  })
})

it.live("the access log names the client behind a proxy", () =>
  Effect.gen(function* () {
    const accessLog = join(yield* temporaryFolder, "access.log")
    const options: Input = { accessLog, accessLogFormat: "%h", trustedProxies: ["127.0.0.1"] }
    const { close, port } = yield* serve(applications["fetch handlers"], options)
    yield* overHttp1(port)
    yield* overHttp2(port)
    yield* close
    assert.strictEqual(readFileSync(accessLog, "utf8"), "192.0.2.7\n192.0.2.7\n")
  })
)

import { assert, describe, it } from "@effect/vitest"
import * as HeaderBlock from "@pagi/core/HeaderBlock"
import type { HttpReceiveEvent } from "@pagi/core/Event"
import * as PagiApp from "@pagi/core/PagiApp"
import type { HttpHandler, Receive } from "@pagi/core/PagiApp"
import type { Input } from "@pagi/core/ServerOptions"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import { createHash } from "node:crypto"
import { existsSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { findProgram } from "../../../test/support/FindProgram.ts"
import { type Outcome, run, runInBackground } from "./support/Programs.ts"
import { serve, serveHttp } from "./support/Server.ts"
import { temporaryFolder } from "../../../test/support/TemporaryFolder.ts"
import { until } from "./support/Until.ts"

const mebibyte = 1_048_576

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex")

/** Bytes of which every part differs from every other. */
const numbered = (length: number): Uint8Array => {
  const words = new Uint32Array(Math.ceil(length / 4))
  for (let index = 0; index < words.length; index++) words[index] = index
  return new Uint8Array(words.buffer, 0, length)
}

const bigBody = numbered(30 * mebibyte)
const upload = numbered(mebibyte)

/** The digest of the request body, and how its end was announced. */
const describeBody = (headers: HeaderBlock.HeaderBlock, receive: Receive<HttpReceiveEvent>) =>
  Effect.gen(function* () {
    const hash = createHash("sha256")
    while (true) {
      const event = yield* receive
      if (event.type === "http.disconnect") return "disconnected"
      hash.update(event.body)
      if (!event.more) break
    }
    const framing = HeaderBlock.get(headers, "transfer-encoding") ?? HeaderBlock.get(headers, "content-length")
    return `${framing} ${hash.digest("hex")}`
  })

const app: HttpHandler<unknown> = Effect.fnUntraced(function* (scope, receive, send) {
  const answer = (status: number, body: string | Uint8Array) =>
    Effect.andThen(
      send({ type: "http.response.start", status, headers: [["content-type", "text/plain"]] }),
      send({ type: "http.response.body", body })
    )
  switch (scope.path) {
    case "/hello":
      return yield* answer(200, `${scope.method} ${scope.httpVersion}\n`)
    case "/body":
      return yield* answer(200, yield* describeBody(scope.headers, receive))
    case "/forbidden":
      return yield* answer(403, "not for you")
    case "/client":
      return yield* answer(200, String(scope.client?.[1]))
    case "/big":
      return yield* answer(200, bigBody)
    case "/stream":
      yield* send({ type: "http.response.start", status: 200 })
      for (const body of ["one ", "two ", "three"]) {
        yield* send({ type: "http.response.body", body, more: true })
        yield* Effect.yieldNow
      }
      return yield* send({ type: "http.response.body" })
    default:
      return yield* answer(404, "nothing here")
  }
})

const assertSuccess = ({ code, errors }: Outcome): void => assert.strictEqual(code, 0, errors)

/** A server, and where it is. */
const serveWith = (options: Input) =>
  Effect.map(serveHttp(app, options), ({ port, server }) => ({
    server,
    port,
    url: (path: string) => `http://127.0.0.1:${port}${path}`
  }))

const serveApp = serveWith({ maxBodySize: 0 })

const uploadFile = Effect.map(temporaryFolder, (folder) => {
  const path = join(folder, "upload")
  writeFileSync(path, upload)
  return path
})

const curl = findProgram("curl")

describe.skipIf(curl === undefined)("curl", () => {
  const runCurl = (...args: ReadonlyArray<string>) => run(curl ?? "curl", ["-sS", "--max-time", "10", ...args])

  it.live("gets", () =>
    Effect.gen(function* () {
      const { url } = yield* serveApp
      const outcome = yield* runCurl("-i", url("/hello"))
      assertSuccess(outcome)
      assert.match(outcome.output.toString(), /^HTTP\/1\.1 200 OK\r\n.*content-length: 8\r\n.*\r\n\r\nGET 1\.1\n$/s)
    })
  )

  it.live("gets over a Unix socket", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryFolder, "app.sock")
      yield* serveHttp(app, { socket: path })
      const outcome = yield* runCurl("--unix-socket", path, "http://test/hello")
      assertSuccess(outcome)
      assert.strictEqual(outcome.output.toString(), "GET 1.1\n")
    })
  )

  it.live("gets one path after the other over one connection", () =>
    Effect.gen(function* () {
      const { url } = yield* serveApp
      const outcome = yield* runCurl("-w", "%{num_connects}\n", url("/hello"), url("/missing"), url("/stream"))
      assertSuccess(outcome)
      assert.strictEqual(outcome.output.toString(), "GET 1.1\n1\nnothing here0\none two three0\n")
    })
  )

  it.live("gets a large body", () =>
    Effect.gen(function* () {
      const { url } = yield* serveApp
      const outcome = yield* runCurl(url("/big"))
      assertSuccess(outcome)
      assert.strictEqual(sha256(outcome.output), sha256(bigBody))
    })
  )

  it.live("gets the head only", () =>
    Effect.gen(function* () {
      const { url } = yield* serveApp
      const outcome = yield* runCurl("-I", "-w", "%{num_connects}", url("/hello"), url("/hello"))
      assertSuccess(outcome)
      assert.match(
        outcome.output.toString(),
        /^HTTP\/1\.1 200 OK\r\n.*content-length: 9\r\n.*\r\n\r\n1HTTP.*\r\n\r\n0$/s
      )
    })
  )

  it.live("posts a body after 100 (Continue)", () =>
    Effect.gen(function* () {
      const { url } = yield* serveApp
      const file = yield* uploadFile
      const outcome = yield* runCurl("-v", "--data-binary", `@${file}`, "-H", "Expect: 100-continue", url("/body"))
      assertSuccess(outcome)
      assert.match(outcome.errors, /< HTTP\/1\.1 100 Continue\r\n/)
      assert.strictEqual(outcome.output.toString(), `${mebibyte} ${sha256(upload)}`)
    })
  )

  it.live("does not post a body that the application does not want", () =>
    Effect.gen(function* () {
      const { url } = yield* serveApp
      const file = yield* uploadFile
      const size = "%{size_upload}"
      const outcome = yield* runCurl(
        ...["-v", "--data-binary", `@${file}`, "-H", "Expect: 100-continue", "-w", ` ${size}`, url("/forbidden")]
      )
      assertSuccess(outcome)
      assert.notMatch(outcome.errors, /100 Continue/)
      assert.strictEqual(outcome.output.toString(), "not for you 0")
    })
  )

  it.live("posts a body in chunks, of a length that it does not tell", () =>
    Effect.gen(function* () {
      const { url } = yield* serveApp
      const file = yield* uploadFile
      const outcome = yield* runCurl("--data-binary", `@${file}`, "-H", "Transfer-Encoding: chunked", url("/body"))
      assertSuccess(outcome)
      assert.strictEqual(outcome.output.toString(), `chunked ${sha256(upload)}`)
    })
  )

  it.live("gets the events of a stream while it goes on, also when it offers to upgrade to h2c", () =>
    Effect.gen(function* () {
      const mayGoOn = Latch.makeUnsafe()
      const { port } = yield* serve(
        PagiApp.make({
          sse: Effect.fnUntraced(function* (_scope, _receive, send) {
            yield* send({ type: "sse.start" })
            yield* send({ type: "sse.send", event: "count", id: "1", data: "one\ntwo" })
            yield* mayGoOn.await
            yield* send({ type: "sse.send", data: "three" })
          })
        })
      )
      const first = "event: count\nid: 1\ndata: one\ndata: two\n\n"
      const outcome = yield* run(
        curl ?? "curl",
        ["-sSN", "--http2", "--max-time", "10", "-H", "Accept: text/event-stream", `http://127.0.0.1:${port}/`],
        (output) => {
          if (output === first) mayGoOn.openUnsafe()
        }
      )
      assertSuccess(outcome)
      assert.strictEqual(outcome.output.toString(), `${first}data: three\n\n`)
    })
  )

  it.live("speaks HTTP/1.0", () =>
    Effect.gen(function* () {
      const { url } = yield* serveApp
      const outcome = yield* runCurl("--http1.0", "-w", "%{num_connects}\n", url("/hello"), url("/stream"))
      assertSuccess(outcome)
      assert.strictEqual(outcome.output.toString(), "GET 1.0\n1\none two three1\n")
    })
  )

  it.live("keeps an HTTP/1.0 connection alive when it asks to", () =>
    Effect.gen(function* () {
      const { url } = yield* serveApp
      const outcome = yield* runCurl(
        ...["--http1.0", "-H", "Connection: keep-alive", "-w", "%{num_connects}\n", url("/hello"), url("/hello")]
      )
      assertSuccess(outcome)
      assert.strictEqual(outcome.output.toString(), "GET 1.0\n1\nGET 1.0\n0\n")
    })
  )
})

const wrk = findProgram("wrk")

describe.skipIf(wrk === undefined)("wrk", () => {
  it.live("finds no error under load", () =>
    Effect.gen(function* () {
      const { server, url } = yield* serveApp
      // How many are answered in a second is the machine's matter.
      for (let answered = 0; answered <= 100;) {
        const outcome = yield* run(wrk ?? "wrk", ["-t1", "-c64", "-d1s", "--timeout", "10s", url("/hello")])
        assertSuccess(outcome)
        const report = outcome.output.toString()
        answered += Number(/(\d+) requests in/.exec(report)?.[1] ?? assert.fail(report))
        assert.notMatch(report, /Socket errors|Non-2xx/)
      }
      yield* until("all connections are gone", () => Effect.runSync(server.connectionCount) === 0)
    })
  )
})

const nginx = findProgram("nginx")

const nginxConfiguration = (folder: string, port: number): string => `
daemon off;
master_process off;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log warn;
events {}
http {
  access_log off;
  client_body_temp_path ${folder}/client;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  client_max_body_size 0;
  upstream app {
    server 127.0.0.1:${port};
    keepalive 4;
  }
  server {
    listen unix:${folder}/nginx.sock;
    location / {
      proxy_pass http://app;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }
    location /unbuffered/ {
      proxy_pass http://app/;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_request_buffering off;
      proxy_buffering off;
    }
  }
}
`

describe.skipIf(nginx === undefined || curl === undefined)("nginx as a reverse proxy", () => {
  /** A server behind nginx, and curl in front of it. */
  const proxiedWith = Effect.fnUntraced(function* (options: Input) {
    const { port, server } = yield* serveWith(options)
    const folder = yield* temporaryFolder
    const configuration = join(folder, "nginx.conf")
    const socket = join(folder, "nginx.sock")
    writeFileSync(configuration, nginxConfiguration(folder, port))
    const proxy = yield* runInBackground(nginx ?? "nginx", [
      ...["-p", folder, "-c", configuration, "-e", join(folder, "error.log")]
    ])
    yield* until("nginx listens", () => proxy.hasExited() || existsSync(socket))
    assert.isFalse(proxy.hasExited(), "nginx has started")
    const request = (...args: ReadonlyArray<string>) =>
      run(curl ?? "curl", ["-sS", "--max-time", "10", "--unix-socket", socket, ...args])
    return { request, server }
  })

  const proxied = proxiedWith({ maxBodySize: 0 })

  it.live("reuses its connections", () =>
    Effect.gen(function* () {
      const { request, server } = yield* proxied
      const seen = new Set<string>()
      for (let index = 0; index < 10; index++) {
        const outcome = yield* request("http://test/client")
        assertSuccess(outcome)
        seen.add(outcome.output.toString())
      }
      assert.strictEqual(seen.size, 1)
      assert.match([...seen].join(), /^\d+$/)
      assert.strictEqual(yield* server.connectionCount, 1)
    })
  )

  for (const location of ["", "/unbuffered"]) {
    it.live(`passes request bodies on, also in chunks: http://test${location}/body`, () =>
      Effect.gen(function* () {
        const { request, server } = yield* proxied
        const file = yield* uploadFile
        for (const header of ["Expect:", "Expect: 100-continue", "Transfer-Encoding: chunked"]) {
          const outcome = yield* request("--data-binary", `@${file}`, "-H", header, `http://test${location}/body`)
          assertSuccess(outcome)
          assert.strictEqual(outcome.output.toString().split(" ")[1], sha256(upload), header)
        }
        assert.strictEqual(yield* server.connectionCount, 1)
      })
    )

    it.live(`passes large and streamed responses on: http://test${location}/big`, () =>
      Effect.gen(function* () {
        const { request, server } = yield* proxied
        const big = yield* request(`http://test${location}/big`)
        assertSuccess(big)
        assert.strictEqual(sha256(big.output), sha256(bigBody))
        const streamed = yield* request(`http://test${location}/stream`)
        assertSuccess(streamed)
        assert.strictEqual(streamed.output.toString(), "one two three")
        const head = yield* request("-I", `http://test${location}/hello`)
        assertSuccess(head)
        assert.match(head.output.toString(), /^HTTP\/1\.1 200 OK\r\n/)
        assert.strictEqual(yield* server.connectionCount, 1)
      })
    )
  }

  for (const [name, maxBodySize, answer] of [
    ["the application refuses bodies unread", 0, "not for you 403"],
    ["the server refuses bodies for their size", mebibyte, "The request body is too large\n 413"]
  ] as const) {
    it.live(`gets through without an error when ${name}`, () =>
      Effect.gen(function* () {
        const { request } = yield* proxiedWith({ maxBodySize })
        const path = join(yield* temporaryFolder, "upload")
        writeFileSync(path, new Uint8Array(20 * mebibyte))
        for (let index = 0; index < 5; index++) {
          const outcome = yield* request("--data-binary", `@${path}`, "-w", " %{http_code}", "http://test/forbidden")
          assertSuccess(outcome)
          assert.strictEqual(outcome.output.toString(), answer)
        }
      })
    )
  }
})

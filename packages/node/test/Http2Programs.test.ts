import { assert, describe, it } from "@effect/vitest"
import * as HeaderBlock from "@pagi/core/HeaderBlock"
import type { HttpHandler } from "@pagi/core/PagiApp"
import * as Effect from "effect/Effect"
import { createHash } from "node:crypto"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { findProgram } from "../../../test/support/FindProgram.ts"
import { type Outcome, run } from "./support/Programs.ts"
import { serveHttp } from "./support/Server.ts"
import { temporaryFolder } from "../../../test/support/TemporaryFolder.ts"
import { serverTls, testCertificates } from "./support/TlsClient.ts"
import { mebibyte, pattern } from "./support/Traffic.ts"

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex")

const big = pattern(20 * mebibyte)
const upload = pattern(10_000_000)

const app: HttpHandler<unknown> = Effect.fnUntraced(function* (scope, receive, send) {
  const answer = (status: number, body: string | Uint8Array) =>
    Effect.andThen(
      send({ type: "http.response.start", status, headers: [["content-type", "text/plain"]] }),
      send({ type: "http.response.body", body })
    )
  switch (scope.path) {
    case "/hello":
      return yield* answer(200, `${scope.method} ${scope.httpVersion} ${scope.scheme}\n`)
    case "/big":
      return yield* answer(200, big)
    case "/forbidden":
      return yield* answer(403, "not for you")
    case "/body": {
      const hash = createHash("sha256")
      for (let more = true; more;) {
        const event = yield* receive
        if (event.type === "http.disconnect") return
        hash.update(event.body)
        more = event.more
      }
      return yield* answer(200, `${HeaderBlock.get(scope.headers, "content-length")} ${hash.digest("hex")}`)
    }
    case "/half":
      yield* send({ type: "http.response.start", status: 200 })
      return yield* send({ type: "http.response.body", body: "half", more: true })
    case "/trailers":
      yield* send({ type: "http.response.informational", status: 103, headers: [["link", "</a.css>"]] })
      yield* send({ type: "http.response.start", status: 200, trailers: true })
      yield* send({ type: "http.response.body", body: "content" })
      return yield* send({ type: "http.response.trailers", headers: [["x-sum", "7"]] })
    default:
      return yield* answer(404, "nothing here")
  }
})

const assertSuccess = ({ code, errors }: Outcome): void => assert.strictEqual(code, 0, errors)

const serveApp = Effect.map(serveHttp(app, { maxBodySize: 0, logLevel: "error" }), ({ port, server }) => ({
  server,
  url: (path: string) => `http://127.0.0.1:${port}${path}`
}))

const serveTlsApp = Effect.map(
  Effect.flatMap(serverTls, (tls) => serveHttp(app, { tls, maxBodySize: 0 })),
  ({ port, server }) => ({ server, url: (path: string) => `https://localhost:${port}${path}` })
)

const uploadFile = Effect.map(temporaryFolder, (folder) => {
  const path = join(folder, "upload")
  writeFileSync(path, upload)
  return path
})

const curl = findProgram("curl")

const runCurl = (...args: ReadonlyArray<string>) => run(curl ?? "curl", ["-sS", "--max-time", "20", ...args])

describe.skipIf(curl === undefined)("curl with HTTP/2", () => {
  const h2 = "--http2-prior-knowledge"

  it.live("gets", () =>
    Effect.gen(function* () {
      const { url } = yield* serveApp
      const outcome = yield* runCurl(h2, "-w", "%{http_version} %{http_code}", url("/hello"))
      assertSuccess(outcome)
      assert.strictEqual(outcome.output.toString(), "GET 2 http\n2 200")
    })
  )

  // Over TLS: curl 7.88 fails when it uses a connection of prior knowledge again, also with the server of node:http2.
  it.live("gets one path after the other over one connection", () =>
    Effect.gen(function* () {
      const { url } = yield* serveTlsApp
      const format = "%{http_version} %{http_code} %{num_connects}\n"
      const outcome = yield* runCurl("-k", "-w", format, url("/hello"), url("/missing"), url("/hello"))
      assertSuccess(outcome)
      assert.strictEqual(outcome.output.toString(), "GET 2 https\n2 200 1\nnothing here2 404 0\nGET 2 https\n2 200 0\n")
    })
  )

  it.live("gets the head only", () =>
    Effect.gen(function* () {
      const { url } = yield* serveApp
      const outcome = yield* runCurl(h2, "-I", url("/hello"))
      assertSuccess(outcome)
      assert.match(outcome.output.toString(), /^HTTP\/2 200 \r\n.*content-length: 12\r\n(.*\r\n)?\r\n$/s)
    })
  )

  it.live("sees interim responses and trailers", () =>
    Effect.gen(function* () {
      const { url } = yield* serveApp
      const outcome = yield* runCurl(h2, "-i", url("/trailers"))
      assertSuccess(outcome)
      assert.match(
        outcome.output.toString(),
        /^HTTP\/2 103 \r\nlink: <\/a\.css>\r\n\r\nHTTP\/2 200 \r\n.*\r\n\r\ncontentx-sum: 7\r\n$/s
      )
    })
  )

  it.live("gets large bodies in parallel over one connection", () =>
    Effect.gen(function* () {
      const { url } = yield* serveTlsApp
      const format = "%{http_version} %{size_download} %{num_connects}\n"
      const files = Array.from({ length: 5 }, () => ["-o", "/dev/null", url("/big")]).flat()
      const outcome = yield* runCurl("-k", "--parallel", "-w", format, ...files)
      assertSuccess(outcome)
      const lines = outcome.output.toString().trim().split("\n").toSorted()
      const later = Array.from({ length: 4 }, () => `2 ${big.length} 0`)
      assert.deepStrictEqual(lines, [...later, `2 ${big.length} 1`])
    })
  )

  it.live("gets a large body unchanged", () =>
    Effect.gen(function* () {
      const { url } = yield* serveApp
      const outcome = yield* runCurl(h2, url("/big"))
      assertSuccess(outcome)
      assert.strictEqual(sha256(outcome.output), sha256(big))
    })
  )

  for (const [name, header] of Object.entries({
    "at once": "Expect:",
    "after 100 (Continue)": "Expect: 100-continue"
  })) {
    it.live(`uploads 10 MB ${name}`, () =>
      Effect.gen(function* () {
        const { url } = yield* serveApp
        const file = yield* uploadFile
        const outcome = yield* runCurl("-v", h2, "--data-binary", `@${file}`, "-H", header, url("/body"))
        assertSuccess(outcome)
        assert.strictEqual(outcome.output.toString(), `${upload.length} ${sha256(upload)}`)
        assert.strictEqual(/< HTTP\/2 100/.test(outcome.errors), header === "Expect: 100-continue")
      })
    )
  }

  it.live("uploads what it reads from elsewhere, of a length that it does not tell", () =>
    Effect.gen(function* () {
      const { url } = yield* serveApp
      const file = yield* uploadFile
      const outcome = yield* run("/bin/sh", ["-c", `${curl} -sS ${h2} -T - ${url("/body")} < ${file}`])
      assertSuccess(outcome)
      assert.strictEqual(outcome.output.toString(), `undefined ${sha256(upload)}`)
    })
  )

  it.live("gets an answer to an upload that the application does not want", () =>
    Effect.gen(function* () {
      const { url } = yield* serveApp
      const file = yield* uploadFile
      const outcome = yield* runCurl(h2, "--data-binary", `@${file}`, "-w", " %{http_code}", url("/forbidden"))
      assertSuccess(outcome)
      assert.strictEqual(outcome.output.toString(), "not for you 403")
    })
  )

  it.live("sees that a response is not complete", () =>
    Effect.gen(function* () {
      const { url } = yield* serveApp
      const outcome = yield* runCurl(h2, url("/half"))
      assert.notStrictEqual(outcome.code, 0)
    })
  )

  it.live("that offers to upgrade without TLS is answered by HTTP/1.1", () =>
    Effect.gen(function* () {
      const { url } = yield* serveApp
      const outcome = yield* runCurl("-v", "--http2", "-w", "%{http_version}", url("/hello"))
      assertSuccess(outcome)
      assert.match(outcome.errors, /> Upgrade: h2c\r\n/)
      assert.match(outcome.errors, /< HTTP\/1\.1 200 OK\r\n/)
      assert.strictEqual(outcome.output.toString(), "GET 1.1 http\n1.1")
    })
  )

  it.live("over TLS agrees on it by ALPN, unless it does not want to", () =>
    Effect.gen(function* () {
      const { authority } = yield* testCertificates
      const { url } = yield* serveTlsApp
      for (const [flag, version] of [
        ["--http2", "2"],
        ["--http1.1", "1.1"],
        ["--no-alpn", "1.1"]
      ] as const) {
        const outcome = yield* runCurl(flag, "--cacert", authority.certPath, "-w", "%{http_version}", url("/hello"))
        assertSuccess(outcome)
        assert.strictEqual(outcome.output.toString(), `GET ${version} https\n${version}`)
      }
    })
  )

  it.live("over TLS uploads 10 MB, and gets large bodies", () =>
    Effect.gen(function* () {
      const { url } = yield* serveTlsApp
      const file = yield* uploadFile
      const sent = yield* runCurl("-k", "--http2", "--data-binary", `@${file}`, url("/body"))
      assertSuccess(sent)
      assert.strictEqual(sent.output.toString(), `${upload.length} ${sha256(upload)}`)
      const received = yield* runCurl("-k", "--http2", url("/big"))
      assertSuccess(received)
      assert.strictEqual(sha256(received.output), sha256(big))
    })
  )
})

const nghttp = findProgram("nghttp")

describe.skipIf(nghttp === undefined)("nghttp", () => {
  const runNghttp = (...args: ReadonlyArray<string>) => run(nghttp ?? "nghttp", ["-t", "20", ...args])

  /** The frames that nghttp has received, by type, flags and stream, without colours. */
  const received = ({ output }: Outcome): ReadonlyArray<string> =>
    [...output.toString().matchAll(/recv (\w+) frame <length=\d+, flags=(0x\w\w), stream_id=(\d+)>/g)].map(
      ([, type, flags, stream]) => `${type} ${flags} ${stream}`
    )

  it.live("gets a page in the frames that it takes, and no others", () =>
    Effect.gen(function* () {
      const { url } = yield* serveApp
      const outcome = yield* runNghttp("-v", "--no-dep", url("/hello"))
      assertSuccess(outcome)
      const frames = received(outcome)
      assert.deepStrictEqual(
        frames.filter((frame) => /^(HEADERS|DATA)/.test(frame)),
        ["HEADERS 0x04 1", "DATA 0x01 1"]
      )
      assert.strictEqual(frames[0], "SETTINGS 0x00 0")
      assert.include(frames, "SETTINGS 0x01 0")
      assert.deepStrictEqual([...new Set(frames.map((frame) => frame.split(" ")[0]))].toSorted(), [
        ...["DATA", "HEADERS", "SETTINGS", "WINDOW_UPDATE"]
      ])
      const text = outcome.output.toString()
      assert.match(text, /recv \(stream_id=1\) :status: 200/)
      assert.match(text, /recv \(stream_id=1\) content-length: 11/)
      assert.match(text, /GET 2 http/)
      assert.match(text, /SETTINGS_MAX_CONCURRENT_STREAMS\(0x03\):100/)
      assert.notMatch(text, /INVALID|invalid|error_code=(?!NO_ERROR)/)
    })
  )

  it.live("gets interim responses and trailers", () =>
    Effect.gen(function* () {
      const { url } = yield* serveApp
      const outcome = yield* runNghttp("-v", url("/trailers"))
      assertSuccess(outcome)
      const ofStream = received(outcome).filter((frame) => /^(HEADERS|DATA)/.test(frame))
      const stream = ofStream[0]?.split(" ")[2]
      assert.deepStrictEqual(ofStream, [
        `HEADERS 0x04 ${stream}`,
        `HEADERS 0x04 ${stream}`,
        `DATA 0x00 ${stream}`,
        `HEADERS 0x05 ${stream}`
      ])
      assert.match(outcome.output.toString(), /x-sum: 7/)
    })
  )

  it.live("gets an empty response in one frame", () =>
    Effect.gen(function* () {
      const { url } = yield* serveApp
      const outcome = yield* runNghttp("-v", "--no-dep", "-H", ":method: HEAD", url("/hello"))
      assertSuccess(outcome)
      assert.deepStrictEqual(
        received(outcome).filter((frame) => /^(HEADERS|DATA)/.test(frame)),
        ["HEADERS 0x05 1"]
      )
    })
  )

  it.live("gets many large bodies at a time through small windows, over TLS too", () =>
    Effect.gen(function* () {
      for (const served of [serveApp, serveTlsApp]) {
        const { url } = yield* served
        const outcome = yield* runNghttp("-nsy", "-w", "14", "-W", "16", "-m", "5", url("/big"))
        assertSuccess(outcome)
        const statuses = outcome.output.toString().match(/ 200 +\d+M \/big/g)
        assert.strictEqual(statuses?.length, 5, outcome.output.toString())
      }
    })
  )

  it.live("uploads 10 MB with padding and trailers", () =>
    Effect.gen(function* () {
      const { url } = yield* serveApp
      const file = yield* uploadFile
      const outcome = yield* runNghttp("-d", file, "--trailer", "x-sum: 1", "-b", "100", url("/body"))
      assertSuccess(outcome)
      assert.match(outcome.output.toString(), new RegExp(sha256(upload)))
    })
  )
})

const h2load = findProgram("h2load")

describe.skipIf(h2load === undefined)("h2load", () => {
  for (const [name, served] of [
    ["without TLS", serveApp],
    ["over TLS", serveTlsApp]
  ] as const) {
    it.live(`finds no error in 5000 requests, ${name}`, () =>
      Effect.gen(function* () {
        const { url } = yield* served
        const outcome = yield* run(h2load ?? "h2load", ["-n5000", "-c10", "-m20", url("/hello")])
        assertSuccess(outcome)
        assert.match(
          outcome.output.toString(),
          /requests: 5000 total, 5000 started, 5000 done, 5000 succeeded, 0 failed, 0 errored, 0 timeout/
        )
      })
    )
  }
})

import { assert, describe, it } from "@effect/vitest"
import type { HttpHandler } from "@pagi/core/PagiApp"
import * as Effect from "effect/Effect"
import { spawnSync } from "node:child_process"
import { findProgram } from "../../../test/support/FindProgram.ts"
import { run } from "./support/Programs.ts"
import { serveHttp } from "./support/Server.ts"

const refusing: HttpHandler<unknown> = (_scope, _receive, send) =>
  Effect.andThen(
    send({ type: "http.response.start", status: 401 }),
    send({ type: "http.response.body", body: "who are you?" })
  )

/** Sizes of uploads that nobody reads, and what is answered to them: by the application, and by the server itself. */
const uploads = [
  [8_000_000, 401],
  [20_000_000, 413]
] as const

/** Clients that send everything before they read anything. The first argument is the port, the second the size. */
const clients = [
  [
    "Python's http.client",
    "python3",
    ["-c"],
    `import http.client, sys
c = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=10)
c.request("POST", "/", b"x" * int(sys.argv[2]))
print(c.getresponse().status)`
  ],
  [
    "Python's http.client that uploads in chunks, and uses the connection again",
    "python3",
    ["-c"],
    `import http.client, sys
c = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=10)
size = int(sys.argv[2])
pieces = (b"x" * 100000 for _ in range(size // 100000))
headers = {"Content-Length": str(size)} if size > 10_000_000 else {}
c.request("POST", "/", pieces, headers, encode_chunked=not headers)
r = c.getresponse()
print(r.status)
r.read()
if size <= 10_000_000:
    assert c.sock is not None
    c.request("GET", "/")
    assert c.getresponse().status == 401`
  ],
  [
    "Perl's HTTP::Tiny",
    "perl",
    ["-MHTTP::Tiny", "-e"],
    `print HTTP::Tiny->new(timeout => 10)->post("http://127.0.0.1:$ARGV[0]/", { content => "x" x $ARGV[1] })->{status}`
  ]
] as const

describe("an answer before the end of an upload", () => {
  for (const [name, program, flags, script] of clients) {
    const path = findProgram(program)
    // Perl without all of its modules is a part of many systems.
    const isThere = path !== undefined && spawnSync(path, [...flags, ""]).status === 0
    it.live.skipIf(!isThere)(`reaches ${name}`, () =>
      Effect.gen(function* () {
        const { port } = yield* serveHttp(refusing)
        for (const [size, status] of uploads) {
          const outcome = yield* run(path ?? program, [...flags, script, String(port), String(size)])
          assert.strictEqual(outcome.code, 0, outcome.errors)
          assert.strictEqual(outcome.output.toString().split("\n")[0], String(status))
        }
      })
    )
  }

  it.live("reaches Node's fetch", () =>
    Effect.gen(function* () {
      const { port } = yield* serveHttp(refusing)
      for (const [size, status] of uploads) {
        const response = yield* Effect.promise(() =>
          fetch(`http://127.0.0.1:${port}/`, { method: "POST", body: new Uint8Array(size) })
        )
        assert.strictEqual(response.status, status)
        yield* Effect.promise(() => response.text())
      }
    })
  )
})

/** Programs for Effect's HTTP server and fetch handlers under load, while their server changes. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { writeFileSync } from "node:fs"
import { Agent, type RequestOptions } from "node:http"
import * as http from "node:http"
import * as https from "node:https"
import { join } from "node:path"
import { isRunning } from "@pagi/node/process/RunningProcess"
import { certificates } from "../../../../test/support/Certificates.ts"
import * as PidFile from "../support/PidFile.ts"
import * as Program from "../support/Program.ts"
import * as Site from "../support/Site.ts"
import { until } from "../support/Until.ts"

const timeout = 90_000

const fixture = (name: string): string => join(import.meta.dirname, "../fixtures", name)

interface Target {
  readonly url: string
  readonly options: RequestOptions & https.RequestOptions
  readonly content?: string
  readonly expected: string
}

/** One request: its status and content, or why there is none. */
const request = ({ content, options, url }: Target): Promise<string> =>
  new Promise((resolve) => {
    const { request: begin } = url.startsWith("https") ? https : http
    const sent = begin(url, options, (response) => {
      let text = ""
      response.setEncoding("utf8").on("data", (piece: string) => (text += piece))
      response.on("end", () => resolve(`${response.statusCode} ${text}`))
      response.on("error", (error) => resolve(String(error)))
    })
    sent.on("error", (error) => resolve(String(error)))
    sent.end(content)
  })

/** Asks on new connections all the time, until it is told to stop; yields how many requests there were. */
const load = (target: Target) =>
  Effect.gen(function* () {
    const stop = new AbortController()
    let count = 0
    const failures: Array<string> = []
    const client = Effect.promise(async () => {
      while (!stop.signal.aborted) {
        const answer = await request(target)
        count += 1
        if (answer !== target.expected) failures.push(answer)
      }
    })
    const clients = yield* Effect.forkChild(Effect.all([client, client, client, client], { concurrency: 4 }))
    return {
      /** Waits for so many more. */
      more: (requests: number) => {
        const enough = count + requests
        return until(() => count >= enough)
      },
      end: Effect.suspend(() => {
        stop.abort()
        return Effect.as(Fiber.join(clients), { count, failures })
      })
    }
  })

const options = { agent: new Agent({ keepAlive: false }) }

const targets: Readonly<Record<string, Omit<Target, "url">>> = {
  "programs.ts:httpApi": {
    options: { ...options, method: "POST", path: "/things", headers: { "content-type": "application/json" } },
    content: '{"name":"it"}',
    expected: '200 "added it"'
  },
  "fetching.ts:framework": { options: { ...options, path: "/a" }, expected: "200 framework /a" }
}

describe("pagi-server, given a program of Effect's or a fetch handler,", () => {
  for (const [reference, target] of Object.entries(targets)) {
    it.live(
      `loses no request of ${reference} when its workers, and then it itself, are replaced`,
      () =>
        Effect.gen(function* () {
          const cwd = yield* Site.make({})
          const pidFile = join(cwd, "server.pid")
          const flags = ["--port", "0", "--workers", "2", "--no-access-log", "--pid", pidFile]
          const program = yield* Program.start([...flags, "--control", join(cwd, "control"), fixture(reference)])
          const url = yield* Program.address(program)
          yield* program.line(/ below process \d+: /)
          yield* PidFile.killAtEnd(pidFile)
          const before = PidFile.read(pidFile) ?? assert.fail()
          const clients = yield* load({ ...target, url })
          yield* clients.more(100)
          yield* program.signal("SIGHUP")
          yield* program.line(/(?:^worker [12]: shutting down$[^]*){2}/m)
          yield* clients.more(100)
          yield* program.signal("SIGUSR2")
          yield* until(() => !isRunning(before))
          yield* clients.more(100)
          const { count, failures } = yield* clients.end
          assert.deepStrictEqual(failures, [])
          assert.isAtLeast(count, 300)
          const after = PidFile.read(pidFile) ?? assert.fail()
          assert.notStrictEqual(after, before)
          process.kill(after, "SIGTERM")
          yield* until(() => !isRunning(after))
        }),
      timeout
    )
  }

  it.live(
    "takes up new certificates between its requests",
    () =>
      Effect.gen(function* () {
        const { renewed, server } = yield* Effect.promise(certificates)
        const cwd = yield* Site.make({ "server.crt": server.cert, "server.key": server.key })
        const tls = ["--ssl-cert=server.crt", "--ssl-key=server.key", "--ssl-reload-interval=0"]
        const program = yield* Program.start(["--port=0", "--no-access-log", ...tls, fixture("programs.ts")], { cwd })
        const url = yield* Program.address(program)
        const agent = new https.Agent({ keepAlive: false })
        const clients = yield* load({
          url,
          options: { agent, rejectUnauthorized: false },
          expected: "200 router, stored"
        })
        yield* clients.more(20)
        writeFileSync(join(cwd, "server.crt"), renewed.cert)
        writeFileSync(join(cwd, "server.key"), renewed.key)
        yield* program.signal("SIGHUP")
        yield* program.line(/^new connections use the TLS certificates as they are now$/m)
        yield* clients.more(20)
        assert.deepStrictEqual((yield* clients.end).failures, [])
        yield* program.signal("SIGTERM")
        assert.strictEqual((yield* program.result).code, 0)
      }),
    timeout
  )
})

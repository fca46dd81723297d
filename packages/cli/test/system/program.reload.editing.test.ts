/**
 * A hundred edits while clients send, and another hundred over TLS, on connections that they keep and on new ones: no
 * request is refused or lost, and none is answered by a mixture of two versions.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import * as http from "node:http"
import * as https from "node:https"
import { join } from "node:path"
import { certificates } from "../../../../test/support/Certificates.ts"
import * as Program from "../support/Program.ts"
import * as Site from "../support/Site.ts"
import { until } from "../support/Until.ts"

const edits = 100

/** Both take 100 s on two processors that have nothing else to do. */
const timeout = 400_000

/** Of these, one in ten cannot be loaded. */
const isBroken = (edit: number): boolean => edit % 10 === 4

const app = (version: number): string =>
  `import { part } from "./part.mjs"\nexport default { fetch: () => new Response("${version} " + part) }\n`

const part = (version: number): string => `export const part = "${version}"\n`

const broken = "export default {\n  fetch: () => new Response(\n"

/** Ways in which programs write: over the file, beside it and in its place, anew, and by another link to it. */
const ways: ReadonlyArray<(path: string, text: string, edit: number) => void> = [
  (path, text) => writeFileSync(path, text),
  (path, text) => {
    writeFileSync(`${path}~`, text)
    renameSync(`${path}~`, path)
  },
  (path, text) => {
    rmSync(path)
    writeFileSync(path, text)
  },
  (path, text) => {
    writeFileSync(path, "")
    writeFileSync(path, text.slice(0, 20))
    writeFileSync(path, text)
  },
  (path, text, edit) => {
    writeFileSync(`${path}.${edit}.mjs`, text)
    symlinkSync(`${path}.${edit}.mjs`, `${path}~`)
    renameSync(`${path}~`, path)
  }
]

/** What clients have seen. */
interface Seen {
  readonly answers: Map<string, number>
  readonly problems: Array<string>
}

/** Sends one request after the other, for ever. */
const send = (url: string, keepAlive: boolean, { answers, problems }: Seen) => {
  const isSecure = url.startsWith("https:")
  const agent = isSecure
    ? new https.Agent({ keepAlive, maxSockets: 1, rejectUnauthorized: false })
    : new http.Agent({ keepAlive, maxSockets: 1 })
  const get = isSecure ? https.get : http.get
  const ask = Effect.callback<void>((resume) => {
    const fail = (error: NodeJS.ErrnoException): void => {
      problems.push(`${url} ${keepAlive ? "kept" : "new"}: ${error.code ?? error.message}`)
      resume(Effect.void)
    }
    get(url, { agent }, (response) => {
      let text = ""
      response.setEncoding("utf8").on("data", (piece: string) => (text += piece))
      response.on("error", fail)
      response.on("end", () => {
        answers.set(text, (answers.get(text) ?? 0) + 1)
        if (response.statusCode !== 200) problems.push(`${url}: ${response.statusCode}`)
        resume(Effect.void)
      })
    }).on("error", fail)
  })
  const pause = Effect.suspend(() => Effect.sleep(Math.random() * 20))
  return Effect.ensuring(
    Effect.forever(Effect.andThen(ask, pause)),
    Effect.sync(() => agent.destroy())
  )
}

const serve = (scheme: "http" | "https") =>
  Effect.gen(function* () {
    const { cert, key } = (yield* Effect.promise(certificates)).server
    const cwd = yield* Site.make({ "app.mjs": app(0), "part.mjs": part(0), "a.crt": cert, "a.key": key })
    const tls = scheme === "https" ? ["--ssl-cert", "a.crt", "--ssl-key", "a.key"] : []
    const options = ["-E", "development", "--log-format", "plain", "--no-access-log", "--reload"]
    const program = yield* Program.start(["--port", "0", ...tls, ...options, "./app.mjs"], { cwd })
    return { cwd, program, url: yield* Program.address(program) }
  })

describe("pagi-server --reload, under load", () => {
  for (const scheme of ["http", "https"] as const) {
    it.live(
      `refuses, loses and mixes nothing in ${edits} edits, over ${scheme}`,
      () =>
        Effect.gen(function* () {
          const { cwd, program, url } = yield* serve(scheme)
          const seen: Seen = { answers: new Map(), problems: [] }
          const kinds = [true, true, false, false]
          const sending = Effect.forEach(kinds, (keepAlive) => send(url, keepAlive, seen), { concurrency: 4 })
          const clients = yield* Effect.forkScoped(sending)
          for (let edit = 1; edit <= edits; edit++) {
            const write = ways[edit % ways.length] ?? assert.fail()
            if (isBroken(edit)) {
              const isGivenUp = program.next(/the reload is given up/)
              write(join(cwd, "app.mjs"), broken, edit)
              yield* isGivenUp
            } else {
              // Two files, as when another branch is checked out.
              write(join(cwd, "part.mjs"), part(edit), edit)
              write(join(cwd, "app.mjs"), app(edit), edit)
              yield* until(() => seen.answers.has(`${edit} ${edit}`) || seen.problems.length > 0)
            }
          }
          yield* Fiber.interrupt(clients)
          assert.deepStrictEqual(seen.problems, [])
          for (const answer of seen.answers.keys()) assert.match(answer, /^(\d+) \1$/)
          yield* program.signal("SIGTERM")
          assert.strictEqual((yield* program.result).code, 0)
        }),
      timeout
    )
  }
})

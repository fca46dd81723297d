import { assert, describe, it } from "@effect/vitest"
import * as ServerOptions from "@pagi/core/ServerOptions"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { execFileSync, spawn } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import type { SourcePlan } from "../../src/plan/ProcessFlags.ts"
import * as Reread from "../../src/plan/Reread.ts"
import type { ServerPlan } from "../../src/plan/ServerPlan.ts"
import * as ServerValues from "../../src/plan/ServerValues.ts"
import * as Sources from "../../src/plan/Sources.ts"
import { shown } from "../../src/run/Inspection.ts"
import * as Site from "../support/Site.ts"

/** A plan of what flags, or variables of the process, have said. */
const planOf = (options: Readonly<Record<string, ServerValues.Given>> = {}): ServerPlan => ({
  served: { app: null, texts: { options, noAccessLog: false } },
  process: { daemonize: false, pid: null, user: null, group: null, control: null }
})

interface Case {
  readonly given?: Readonly<Record<string, ServerValues.Given>>
  readonly environment?: Readonly<Record<string, string>>
  readonly sources?: Partial<SourcePlan>
}

const complete = ({ environment = {}, given, sources = {} }: Case) =>
  Sources.complete(planOf(given), { config: null, envFiles: [], secrets: [], ...sources }, environment)

const valuesOf = (one: Case) =>
  Effect.flatMap(complete(one), (plan) =>
    Effect.map(ServerValues.resolve(plan.served.texts), (values) => ({ plan, values }))
  )

const messageOf = (one: Case) => Effect.map(Effect.flip(valuesOf(one)), (error) => error.message)

const withConfig = (content: unknown) =>
  Effect.map(Site.make({ "pagi.config.json": JSON.stringify(content) }), (folder) => join(folder, "pagi.config.json"))

describe("Sources", () => {
  it.effect("a flag wins over a variable, that over env files, secrets, the configuration file and the default", () =>
    Effect.gen(function* () {
      const folder = yield* Site.make({
        "one.env": "PAGI_PORT=3\nPAGI_TIMEOUT=1\n# nothing\n",
        "two.env": "export PAGI_PORT='4'\n",
        "secrets/PAGI_PORT": "5\n",
        "c.json": `{ "port": 6 }`
      })
      const path = (name: string) => join(folder, name)
      const config = path("c.json")
      const envFiles = [path("one.env"), path("two.env")]
      const secrets = [path("secrets")]
      const flag = { port: { source: "--port", text: "1" } }
      const variable = { port: { source: "PAGI_PORT", text: "2" } }
      const portOf = (one: Case) =>
        Effect.map(valuesOf(one), ({ plan, values }) => [values.port, plan.served.texts.options["port"]?.source])
      const all = { config, envFiles, secrets }
      assert.deepStrictEqual(yield* portOf({ given: flag, sources: all }), [1, "--port"])
      assert.deepStrictEqual(yield* portOf({ given: variable, sources: all }), [2, "PAGI_PORT"])
      assert.deepStrictEqual(yield* portOf({ sources: all }), [4, `${path("two.env")}: PAGI_PORT`])
      assert.deepStrictEqual(yield* portOf({ sources: { config, secrets } }), [5, `${path("secrets")}: PAGI_PORT`])
      assert.deepStrictEqual(yield* portOf({ sources: { config } }), [6, `${config}: port`])
      assert.deepStrictEqual(yield* portOf({}), [5000, undefined])
      // The environment has it, and says that it is nothing.
      assert.deepStrictEqual(yield* portOf({ environment: { PAGI_PORT: "" }, sources: all }), [6, `${config}: port`])
    })
  )

  it.effect("PORT counts when nothing else says where to listen", () =>
    Effect.gen(function* () {
      const environment = { PORT: "80" }
      const config = yield* withConfig({ socket: "a" })
      const { values } = yield* valuesOf({ environment, given: { host: { source: "--host", text: "::1" } } })
      assert.deepStrictEqual([values.host, values.port], ["::1", 80])
      const named = { port: { source: "PAGI_PORT", text: "81" } }
      assert.strictEqual((yield* valuesOf({ environment, given: named })).values.port, 81)
      assert.strictEqual((yield* valuesOf({ environment, sources: { config } })).values.socket, "a")
      assert.strictEqual((yield* valuesOf({ environment: { PORT: "" } })).values.port, 5000)
      assert.match(
        yield* messageOf({ environment: { PORT: "x" } }),
        /^option PORT: "x" is not allowed; expected a whole/
      )
    })
  )

  it.effect("a stronger source's way to listen wins over the others of weaker ones", () =>
    Effect.gen(function* () {
      const config = yield* withConfig({ listen: ["127.0.0.1:1"] })
      const host = { host: { source: "PAGI_HOST", text: "::1" } }
      const { plan, values } = yield* valuesOf({ given: host, sources: { config } })
      assert.isUndefined(values.listen)
      const rows = shown(yield* ServerValues.used(plan.served.texts), values)
      assert.deepStrictEqual(
        rows.filter(({ name }) => name === "host" || name === "listen"),
        [
          { name: "host", value: "::1", source: "PAGI_HOST" },
          { name: "listen", value: null, source: "default" }
        ]
      )
      const both = yield* withConfig({ listen: ["127.0.0.1:1"], port: 5 })
      assert.strictEqual(
        yield* messageOf({ sources: { config: both } }),
        `${both}: listen and ${both}: port exclude each other`
      )
    })
  )

  it.effect("refuses what is no configuration, by the name of the file, and tells the nearest name", () =>
    Effect.gen(function* () {
      const messageFor = (content: unknown) =>
        Effect.flatMap(withConfig(content), (config) =>
          Effect.map(messageOf({ sources: { config } }), (message) => message.replace(config, "FILE"))
        )
      assert.strictEqual(
        yield* messageFor({ maxBodySze: 5 }),
        "FILE: there is no option maxBodySze; did you mean maxBodySize?"
      )
      assert.match(
        yield* messageFor({ tls: { crt: "c" } }),
        /^FILE: there is no option tls\.crt; did you mean tls\.cert\?$/
      )
      assert.match(yield* messageFor({ tls: true }), /^FILE: tls: true is not allowed; expected an object/)
      assert.match(yield* messageFor({ pid: 5 }), /^FILE: pid: 5 is not allowed; expected a text/)
      assert.match(yield* messageFor({ host: "" }), /^FILE: host: "" is not allowed; expected a text/)
      assert.match(yield* messageFor({ port: null }), /^FILE: port: null is not allowed; expected a whole number/)
      assert.match(yield* messageFor({ adminToken: "short-secret" }), /^FILE: adminToken: \(not shown\) is not allowed/)
      assert.match(yield* messageFor([]), /^FILE: expected an object with options, and got an array$/)
      const folder = yield* Site.make({
        "a.json": "{",
        "b.yaml": "",
        "c.mjs": "export const a = 1",
        "d.mjs": "throw 5",
        "promise.mjs": "export default Promise.resolve({ port: 1 })",
        "map.mjs": "export default new Map([['port', 1]])"
      })
      const failure = (name: string) => messageOf({ sources: { config: join(folder, name) } })
      assert.match(yield* failure("a.json"), /a\.json:1:2 is not JSON: expected a name in double quotes, or }$/)
      for (const broken of [`{ "adminToken": SECRETSECRETSECRET }`, `{ "adminToken": "SECRETSECRET" "port": 1 }`]) {
        writeFileSync(join(folder, "a.json"), broken)
        assert.notMatch(yield* failure("a.json"), /SECRET/)
      }
      assert.match(yield* failure("b.yaml"), /b\.yaml: expected a name that ends in /)
      assert.match(yield* failure("c.mjs"), /c\.mjs: there is no default export; /)
      assert.match(
        yield* failure("promise.mjs"),
        /promise\.mjs: expected .*, and got a promise; write export default await …$/
      )
      assert.match(yield* failure("map.mjs"), /map\.mjs: expected an object with options, and got one of a class$/)
      assert.match(yield* failure("d.mjs"), /^cannot load .*d\.mjs: /)
      assert.match(yield* failure("e.json"), /^cannot read .*e\.json: there is no such file$/)
      assert.match(yield* messageOf({ sources: { envFiles: [folder] } }), /^cannot read .*: it is a directory$/)
      assert.match(yield* messageOf({ sources: { envFiles: ["/dev/zero"] } }), /it is not a regular file$/)
      assert.match(yield* messageOf({ sources: { secrets: [join(folder, "none")] } }), /there is no such file$/)
      assert.match(yield* messageOf({ sources: { secrets: [join(folder, "d.mjs")] } }), /d\.mjs: it is not a folder$/)
    })
  )

  it.effect("reads a pipe once, and never takes an empty one for a file without variables", () =>
    Effect.gen(function* () {
      const folder = yield* Site.make({})
      const pipe = join(folder, "pipe")
      execFileSync("mkfifo", [pipe])
      const write = (text: string) => spawn("sh", ["-c", `printf '${text}' > "${pipe}"`])
      write("")
      assert.match(
        yield* messageOf({ sources: { envFiles: [pipe] } }),
        /pipe: it is a pipe with nothing in it; somebody else may have read it, .*PAGI_ENV_FILE instead$/
      )
      write("GREETING=hi")
      for (let time = 0; time < 2; time++) {
        const { served } = yield* complete({ sources: { envFiles: [pipe] } })
        assert.deepStrictEqual(served.environment, { GREETING: "hi" })
      }
    })
  )

  it.effect("reads files that begin with a mark of their byte order", () =>
    Effect.gen(function* () {
      const folder = yield* Site.make({ "a.json": `\uFEFF{ "port": 1 }`, ".env": "\uFEFFPAGI_TIMEOUT=5" })
      const sources = { config: join(folder, "a.json"), envFiles: [join(folder, ".env")] }
      const { values } = yield* valuesOf({ sources })
      assert.deepStrictEqual([values.port, Duration.toSeconds(values.timeout)], [1, 5])
    })
  )

  it.effect("takes texts, numbers, durations, lists and groups of a file", () =>
    Effect.gen(function* () {
      const folder = yield* Site.make({ "server.crt": "" })
      const module = join(folder, "a.mjs")
      writeFileSync(
        module,
        `export default { app: "./a.ts", pid: "p", timeout: 2.5, bodyTimeout: "5 seconds", writeTimeout: "2m",
          maxBodySize: "10MB", socketMode: 0o660, quiet: true, listen: [{ socket: "b", socketMode: 0o600 }, "c:1"],
          tls: { cert: "c", key: "k" } }`
      )
      const { plan, values } = yield* valuesOf({ sources: { config: module } })
      assert.deepStrictEqual([plan.served.app, plan.process.pid], ["./a.ts", "p"])
      assert.deepStrictEqual(
        [values.timeout, values.bodyTimeout, values.writeTimeout].map(Duration.toMillis),
        [2500, 5000, 120_000]
      )
      assert.deepStrictEqual([values.maxBodySize, values.socketMode, values.quiet], [10_000_000, 0o660, true])
      assert.deepStrictEqual(
        values.listen,
        (yield* ServerOptions.make({ listen: [{ socket: "b", socketMode: 0o600 }, "c:1"] })).listen
      )
      assert.strictEqual(values.tls?.cert, "c")
    })
  )

  it.effect("keeps variables that are not the server's for the application, and shows no secret", () =>
    Effect.gen(function* () {
      const token = "0123456789abcdefg"
      const folder = yield* Site.make({
        ".env": "GREETING=hi\nPAGI_ADMIN=127.0.0.1:1\n",
        "secrets/PAGI_ADMIN_TOKEN": token,
        "secrets/DB_PASSWORD": "p\n",
        "secrets/..data/x": "no",
        "secrets/tls.crt": "no"
      })
      const sources = { envFiles: [join(folder, ".env")], secrets: [join(folder, "secrets")] }
      const { plan, values } = yield* valuesOf({ sources })
      assert.deepStrictEqual(plan.served.environment, { GREETING: "hi" })
      assert.deepStrictEqual(plan.served.secrets, { DB_PASSWORD: "p" })
      assert.strictEqual(values.adminToken, token)
      const rows = shown(yield* ServerValues.used(plan.served.texts), values)
      assert.notInclude(JSON.stringify(rows), token)
      const source = `${join(folder, "secrets")}: PAGI_ADMIN_TOKEN`
      assert.deepStrictEqual(
        rows.find(({ name }) => name === "adminToken"),
        { name: "adminToken", value: "(not shown)", source }
      )
      writeFileSync(join(folder, "secrets/BIG"), "x".repeat(60_000))
      assert.match(yield* messageOf({ sources }), /^variables of files come to \d+ bytes; at most 49152 can be$/)
    })
  )

  it.effect("takes up what workers alone are told, and keeps what the supervisor has done", () =>
    Effect.gen(function* () {
      const before = yield* complete({ sources: { config: yield* withConfig({ port: 1, maxBodySize: 5 }) } })
      const after = yield* complete({ sources: { config: yield* withConfig({ port: 2, maxBodySize: 6, workers: 3 }) } })
      const { kept, plan } = Reread.merge(before.served, after.served)
      const values = yield* ServerValues.resolve(plan.texts)
      assert.deepStrictEqual([values.port, values.maxBodySize, values.workers], [1, 6, 0])
      assert.deepStrictEqual(kept, ["port", "workers"])
    })
  )
})

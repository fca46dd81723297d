/**
 * Proves that what would be published can be used: packs every package, installs the archives with npm into a project
 * of its own outside the workspace, type-checks a program there, runs it, and runs the command. Needs `npm run build`.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { installInto, packInto } from "./support/pack.ts"
import { capture, run } from "./support/run.ts"
import { root } from "./support/workspace.ts"

const version = (name: string): string =>
  (JSON.parse(readFileSync(join(root, "node_modules", name, "package.json"), "utf8")) as { readonly version: string })
    .version

const application = `import { PagiApp } from "@pagi/core"
import * as Effect from "effect/Effect"

export default PagiApp.make({
  http: Effect.fnUntraced(function*(scope, _receive, send) {
    yield* Effect.sleep("1 millis")
    if (scope.path === "/fail") return yield* Effect.fail("no")
    yield* send({ type: "http.response.start", status: 200, headers: [["content-type", "text/plain"]] })
    yield* send({ type: "http.response.body", body: \`packed \${scope.path}\` })
  })
})
`

/** Everything that a user writes by hand to embed the server; prints the answer to one request. */
const program = `import { PagiApp, ServerOptions } from "@pagi/core"
import type { HttpSendEvent } from "@pagi/core/Event"
import { PagiServer, PagiServerLive } from "@pagi/node/PagiServer"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import app from "./app.ts"

const ServerLive = PagiServerLive.pipe(
  Layer.provide(PagiApp.layer(app)),
  Layer.provide(ServerOptions.layer({ port: 0, quiet: true }))
)

const end: HttpSendEvent = { type: "http.response.body" }

const main = Effect.gen(function*() {
  const server: PagiServer["Service"] = yield* PagiServer
  const port: number = server.port
  const text = yield* Effect.promise(() => fetch(\`http://127.0.0.1:\${port}/\${end.type}\`).then((it) => it.text()))
  console.log(text)
})

await Effect.runPromise(Effect.provide(main, ServerLive))
`

const compilerOptions = {
  target: "ES2024",
  // Effect names types of the Web Crypto API; with the DOM here, all declarations can be checked, ours among them.
  lib: ["ES2024", "DOM"],
  types: ["node"],
  strict: true,
  exactOptionalPropertyTypes: true,
  noEmit: true,
  allowImportingTsExtensions: true
}

const expectEqual = (what: string, actual: string, expected: string): void => {
  if (actual === expected) console.log(`ok: ${what}`)
  else {
    console.error(`failed: ${what}\n  expected ${JSON.stringify(expected)}\n  but it is ${JSON.stringify(actual)}`)
    process.exitCode = 1
  }
}

const typeCheck = (
  project: string,
  resolution: { readonly module: string; readonly moduleResolution: string }
): void => {
  const config = join(project, `tsconfig.${resolution.moduleResolution}.json`)
  writeFileSync(config, JSON.stringify({ compilerOptions: { ...compilerOptions, ...resolution }, files: ["main.ts"] }))
  run(join(root, "node_modules/.bin/tsc"), ["-p", config], { cwd: project })
  console.log(`ok: types resolve (${resolution.moduleResolution})`)
}

const exitOf = (child: ChildProcess): Promise<string> =>
  new Promise((resolve) => child.once("exit", (code, signal) => resolve(String(signal ?? code))))

/** The address that the command prints once it serves. */
const addressOf = (child: ChildProcess): Promise<string> =>
  new Promise((resolve, reject) => {
    let output = ""
    const read = (piece: Buffer) => {
      output += piece.toString()
      const [, address] = /listening on (\S+)/.exec(output) ?? []
      if (address !== undefined) resolve(address)
    }
    child.stdout?.on("data", read)
    child.stderr?.on("data", read)
    child.once("exit", (code) => reject(new Error(`the command ended with ${code}:\n${output}`)))
  })

const checkCommand = async (project: string): Promise<void> => {
  const command = join(project, "node_modules/.bin/pagi-server")
  const cli = join(project, "node_modules/@pagi/cli/package.json")
  const { version: expected } = JSON.parse(readFileSync(cli, "utf8")) as { readonly version: string }
  expectEqual(
    "pagi-server --version",
    /\d+\.\d+\.\d+\S*/.exec(capture(command, ["--version"], { cwd: project }))?.[0] ?? "",
    expected
  )

  const child = spawn(command, ["--port", "0", "./app.ts"], { cwd: project })
  const exit = exitOf(child)
  const address = await addressOf(child)
  const [answer, failure] = await Promise.all([fetch(`${address}x`), fetch(`${address}fail`)])
  expectEqual("pagi-server ./app.ts answers", `${answer.status} ${await answer.text()}`, "200 packed /x")
  expectEqual("an application that fails is answered for", String(failure.status), "500")
  child.kill("SIGINT")
  expectEqual("pagi-server ends on SIGINT", await exit, "0")
}

/** The different answers of a server that is asked a few times, each time over another connection. */
const askWorkers = async (address: string): Promise<string> => {
  const answers = await Promise.all(
    Array.from({ length: 4 }, () => fetch(`${address}x`, { headers: { connection: "close" } }).then((it) => it.text()))
  )
  return [...new Set(answers)].join()
}

/** The processes that a server with workers consists of run from the bundle too. */
const checkWorkers = async (project: string): Promise<void> => {
  const command = join(project, "node_modules/.bin/pagi-server")
  const child = spawn(command, ["--workers", "2", "--port", "0", "./app.ts"], { cwd: project })
  const exit = exitOf(child)
  const address = await addressOf(child)
  expectEqual("pagi-server --workers 2 answers", await askWorkers(address), "packed /x")
  const status = capture(command, ["status", String(child.pid), "--json"], { cwd: project })
  const { workers } = JSON.parse(status) as { readonly workers: ReadonlyArray<{ readonly phase: string }> }
  expectEqual("pagi-server status", workers.map(({ phase }) => phase).join(), "serving,serving")
  child.kill("SIGTERM")
  expectEqual("pagi-server --workers 2 ends on SIGTERM", await exit, "0")
}

const project = mkdtempSync(join(tmpdir(), "pagi-check-pack-"))
try {
  const packed = packInto(project)
  console.log(Object.values(packed).join("\n"))
  installInto(project, { ...packed, "@types/node": version("@types/node"), effect: version("effect") })
  writeFileSync(join(project, "app.ts"), application)
  writeFileSync(join(project, "main.ts"), program)
  typeCheck(project, { module: "nodenext", moduleResolution: "nodenext" })
  typeCheck(project, { module: "esnext", moduleResolution: "bundler" })
  expectEqual(
    "the server runs in a program",
    capture(process.execPath, ["main.ts"], { cwd: project }).trim(),
    "packed /http.response.body"
  )
  await checkCommand(project)
  await checkWorkers(project)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
} finally {
  rmSync(project, { recursive: true, force: true })
}

/**
 * Proves that what would be published can be used: packs every package, installs the archives with npm into a project
 * of its own outside the workspace, type-checks the programs of `scripts/packed` there, runs them, and serves with the
 * command what they export. Needs `npm run build`.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { installInto, packInto } from "./support/pack.ts"
import { capture, run } from "./support/run.ts"
import { root } from "./support/workspace.ts"

const version = (name: string): string =>
  (JSON.parse(readFileSync(join(root, "node_modules", name, "package.json"), "utf8")) as { readonly version: string })
    .version

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

/** What does not end within it has failed. */
const limitMilliseconds = 30_000

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
  const files = ["main.ts", "api.ts"]
  writeFileSync(config, JSON.stringify({ compilerOptions: { ...compilerOptions, ...resolution }, files }))
  run(join(root, "node_modules/.bin/tsc"), ["-p", config], { cwd: project })
  console.log(`ok: types resolve (${resolution.moduleResolution})`)
}

const checkProgram = (project: string, what: string, file: string, expected: string): void => {
  const output = capture(process.execPath, [file], { cwd: project, timeout: limitMilliseconds })
  expectEqual(what, output.trim(), expected)
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
    child.once("exit", (code, signal) => reject(new Error(`the command ended with ${signal ?? code}:\n${output}`)))
  })

const commandIn = (project: string): string => join(project, "node_modules/.bin/pagi-server")

/** Serves with the command for as long as `check` takes, and expects that a signal ends it. */
const serve = async (
  project: string,
  args: ReadonlyArray<string>,
  signal: NodeJS.Signals,
  check: (address: string, child: ChildProcess) => Promise<void>
): Promise<void> => {
  const child = spawn(commandIn(project), ["--port", "0", ...args], {
    cwd: project,
    timeout: limitMilliseconds,
    killSignal: "SIGKILL"
  })
  try {
    const exit = exitOf(child)
    await check(await addressOf(child), child)
    child.kill(signal)
    expectEqual(`pagi-server ${args.join(" ")} ends on ${signal}`, await exit, "0")
  } finally {
    child.kill("SIGKILL")
  }
}

const ask = async (url: string, init: RequestInit = {}): Promise<string> => {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(limitMilliseconds) })
  return `${response.status} ${await response.text()}`
}

const checkVersion = (project: string): void => {
  const cli = join(project, "node_modules/@pagi/cli/package.json")
  const { version: expected } = JSON.parse(readFileSync(cli, "utf8")) as { readonly version: string }
  const output = capture(commandIn(project), ["--version"], { cwd: project })
  expectEqual("pagi-server --version", /\d+\.\d+\.\d+\S*/.exec(output)?.[0] ?? "", expected)
}

const checkApplication = (project: string): Promise<void> =>
  serve(project, ["./app.ts"], "SIGINT", async (address) => {
    const [answer, failure] = await Promise.all([ask(`${address}x`), ask(`${address}fail`)])
    expectEqual("an application answers", answer, "200 packed /x")
    expectEqual("an application that fails is answered for", failure.slice(0, 3), "500")
  })

/** The admin listener has the page of the dashboard, and the library that this takes from another package. */
const checkDashboard = async (project: string): Promise<void> => {
  const command = join(project, "node_modules/.bin/pagi-server")
  const child = spawn(command, ["--port", "0", "--admin", "127.0.0.1:0", "./app.ts"], { cwd: project })
  const exit = exitOf(child)
  let output = ""
  child.stdout.on("data", (piece: Buffer) => {
    output += piece.toString()
  })
  await addressOf(child)
  const [, address = ""] = /admin listener is at (http:\S+\/)/.exec(output) ?? []
  const answers = await Promise.all(["", "main.js", "uPlot.esm.js"].map((path) => fetch(`${address}${path}`)))
  expectEqual("the dashboard is served", answers.map(({ status }) => status).join(), "200,200,200")
  expectEqual("with its own policy", String(answers[0]?.headers.has("content-security-policy")), "true")
  child.kill("SIGTERM")
  expectEqual("pagi-server --admin ends on SIGTERM", await exit, "0")
}

/** The different answers of a server that is asked a few times, each time over another connection. */
const askWorkers = async (address: string): Promise<string> => {
  const headers = { connection: "close" }
  const answers = await Promise.all(Array.from({ length: 4 }, () => ask(`${address}x`, { headers })))
  return [...new Set(answers)].join()
}

/** The processes that a server with workers consists of run from the bundle too. */
const checkWorkers = (project: string): Promise<void> =>
  serve(project, ["--workers", "2", "./app.ts"], "SIGTERM", async (address, child) => {
    expectEqual("workers answer", await askWorkers(address), "200 packed /x")
    const status = capture(commandIn(project), ["status", String(child.pid), "--json"], { cwd: project })
    const { workers } = JSON.parse(status) as { readonly workers: ReadonlyArray<{ readonly phase: string }> }
    expectEqual("pagi-server status", workers.map(({ phase }) => phase).join(), "serving,serving")
  })

const checkExport = (project: string, file: string, what: string, expected: string): Promise<void> =>
  serve(project, [file], "SIGTERM", async (address) => expectEqual(what, await ask(`${address}x`), expected))

const project = mkdtempSync(join(tmpdir(), "pagi-check-pack-"))
try {
  const packed = packInto(project)
  console.log(Object.values(packed).join("\n"))
  installInto(project, { ...packed, "@types/node": version("@types/node"), effect: version("effect") })
  cpSync(join(root, "scripts/packed"), project, { recursive: true })
  typeCheck(project, { module: "nodenext", moduleResolution: "nodenext" })
  typeCheck(project, { module: "esnext", moduleResolution: "bundler" })
  checkProgram(project, "the server runs in a program", "main.ts", "packed /http.response.body")
  checkProgram(project, "an HttpApi runs on the server in a program", "api.ts", '200 {"name":"packed thing"}')
  checkVersion(project)
  await checkApplication(project)
  await checkDashboard(project)
  await checkWorkers(project)
  await checkExport(project, "./routes.mjs", "an HttpRouter answers", "200 packed GET x")
  await checkExport(project, "./fetch.mjs", "a fetch handler answers", "200 packed GET /x")
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
} finally {
  rmSync(project, { recursive: true, force: true })
}

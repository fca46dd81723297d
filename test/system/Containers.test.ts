/** The container of docs/containers.md, built and run in a fresh root by what its files say. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { execFileSync, spawn, spawnSync } from "node:child_process"
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterAll, beforeAll } from "vitest"
import { packInto } from "../../scripts/support/pack.ts"
import { freePort } from "../support/Ports.ts"
import * as Dockerfile from "./support/Dockerfile.ts"
import * as FreshRoot from "./support/FreshRoot.ts"
import { outputOf } from "./support/Programs.ts"
import { built } from "./support/Built.ts"
import { until } from "./support/Until.ts"

const root = join(import.meta.dirname, "../..")

const read = (file: string): string => readFileSync(join(root, "docs/containers", file), "utf8")

/** An application as somebody would write it, in TypeScript. */
const application = `
import { PagiApp } from "@pagi/core"
import * as Effect from "effect/Effect"

export default PagiApp.make({
  http: Effect.fnUntraced(function* (scope, _receive, send) {
    yield* send({ type: "http.response.start", status: 200, headers: [["content-type", "text/plain"]] })
    yield* send({ type: "http.response.body", body: \`\${scope.path} \${process.getuid?.()} \${process.getgid?.()}\` })
  })
})
`

const effectVersion = (): string =>
  (JSON.parse(readFileSync(join(root, "node_modules/effect/package.json"), "utf8")) as { readonly version: string })
    .version

/** Minutes: packing, installing and copying take their time on a busy machine. */
const longTimeout = 300_000

/** Where programs are while an image is built. */
const searched = "/usr/local/bin:/usr/bin:/usr/sbin:/sbin:/bin"

let folder = ""
let image: Dockerfile.Image

/** Runs a program in an image to its end. */
const runIn = (
  place: FreshRoot.Place,
  environment: Readonly<Record<string, string>>,
  command: ReadonlyArray<string>
) => {
  const [path, args] = FreshRoot.commandIn(place, command)
  return execFileSync(path, args, { encoding: "utf8", env: { ...environment }, stdio: ["ignore", "pipe", "pipe"] })
}

/** The folder that is built: an application, and a lock file that npm has written. */
const makeProject = (base: string): string => {
  const project = join(folder, "project")
  mkdirSync(join(project, "src"), { recursive: true })
  const packed = packInto(join(base, "packed"))
  const dependencies = Object.fromEntries(
    Object.entries(packed).map(([name, file]) => [name, file.replace("file:", "file:/packed/")])
  )
  const manifest = { private: true, type: "module", dependencies: { ...dependencies, effect: effectVersion() } }
  writeFileSync(join(project, "package.json"), JSON.stringify(manifest))
  writeFileSync(join(project, "src/app.ts"), application)
  // npm writes paths that start at the project, so that it is where it will be.
  cpSync(join(project, "package.json"), join(base, "app/package.json"))
  const environment = { PATH: searched, ...FreshRoot.registryEnvironment() }
  runIn({ root: base, directory: "/app", user: "0:0" }, environment, ["npm", "install", "--package-lock-only"])
  cpSync(join(base, "app/package-lock.json"), join(project, "package-lock.json"))
  rmSync(join(base, "app"), { recursive: true })
  return project
}

const makeImage = (): Dockerfile.Image => {
  const base = join(folder, "base")
  FreshRoot.make(base, process.execPath)
  const project = makeProject(base)
  let count = 0
  return Dockerfile.build(read("Dockerfile"), project, {
    from: (name) => {
      assert.strictEqual(name, "node:24-slim")
      const stage = join(folder, `stage-${++count}`)
      execFileSync("cp", ["-al", base, stage])
      return stage
    },
    copy: (from, to) => {
      mkdirSync(dirname(to), { recursive: true })
      execFileSync("cp", ["-a", from, to])
    },
    run: ({ directory, environment, root: stage, user }, line) => {
      const all = { PATH: searched, ...environment, ...FreshRoot.registryEnvironment() }
      runIn({ root: stage, directory, user }, all, ["/bin/sh", "-c", line])
    }
  })
}

/** Where a container of the image runs unless it is told otherwise: nothing but `/tmp` can be written. */
const usualPlace = (): FreshRoot.Place => {
  const { directory, root: stage, user } = image
  return { root: stage, directory, user, isReadOnly: true, memory: ["/tmp"] }
}

/** A container of the image: a server whose first process it is. */
const run = (place: Partial<FreshRoot.Place> = {}, environment: Readonly<Record<string, string>> = {}) =>
  Effect.gen(function* () {
    const [port, adminPort] = [yield* freePort, yield* freePort]
    const env = {
      ...image.environment,
      HOME: "/",
      PAGI_PORT: String(port),
      PAGI_ADMIN: `127.0.0.1:${adminPort}`,
      PAGI_WORKERS: "2",
      ...environment
    }
    const command = [...image.entrypoint, ...image.command]
    const [path, args] = FreshRoot.commandIn({ ...usualPlace(), ...place }, command)
    const child = yield* Effect.acquireRelease(
      Effect.sync(() => spawn(path, args, { env, stdio: ["ignore", "pipe", "pipe"] })),
      (child) => Effect.sync(() => child.kill("SIGKILL"))
    )
    const output = outputOf(child)
    let code: number | null | undefined
    child.on("close", (result) => {
      code = result
    })
    const first = (): number =>
      Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").split(" ")[0])
    /** What a health check does: another program, within the container. */
    const health = Effect.callback<{ readonly code: number | null; readonly output: string }>((resume) => {
      const [uid = "", gid = ""] = image.user.split(":")
      const into = ["--target", String(first()), "--mount", "--pid", "--root", "--wd", "--setuid", uid, "--setgid", gid]
      const check = spawn("nsenter", [...into, "--", ...image.health], { env })
      const told = outputOf(check)
      check.on("close", (result) => resume(Effect.succeed({ code: result, output: told() })))
    })
    yield* until(
      "the server serves",
      Effect.sync(() => /^pagi \S+ serves /m.test(output()) || code !== undefined)
    )
    const stop = Effect.gen(function* () {
      // A name of a signal, as the file has it.
      process.kill(first(), image.stopSignal as NodeJS.Signals)
      yield* until(
        "the container has ended",
        Effect.sync(() => code !== undefined)
      )
      return code
    })
    return { url: `http://127.0.0.1:${port}/`, output, health, stop }
  })

const get = (url: string): Effect.Effect<string> =>
  Effect.promise(() => fetch(url, { headers: { connection: "close" } }).then((response) => response.text()))

describe("the Dockerfile", () => {
  it("names a user by numbers, what to send to stop, and a health check without a shell", () => {
    const instructions = new Map(Dockerfile.parse(read("Dockerfile")).map(({ name, text }) => [name, text]))
    assert.match(instructions.get("USER") ?? "", /^[1-9]\d+:[1-9]\d+$/)
    assert.strictEqual(instructions.get("STOPSIGNAL"), "SIGTERM")
    assert.match(instructions.get("HEALTHCHECK") ?? "", / CMD \["pagi-server", "health"\]$/)
    assert.match(instructions.get("ENTRYPOINT") ?? "", /^\[/)
    assert.match(instructions.get("FROM") ?? "", /^node:\d+-slim$/)
  })
})

describe.skipIf(!FreshRoot.isPossible)("a container of the Dockerfile", () => {
  beforeAll(async () => {
    await Effect.runPromise(built)
    folder = mkdtempSync(join(tmpdir(), "pagi-container-"))
    execFileSync("chmod", ["755", folder])
    image = makeImage()
  }, longTimeout)

  afterAll(() => rmSync(folder, { recursive: true, force: true }), longTimeout)

  it.live("serves as a user without rights, where nothing can be written, and ends when it is told to", () =>
    Effect.gen(function* () {
      const container = yield* run()
      assert.strictEqual(yield* get(`${container.url}x`), "/x 10001 10001", container.output())
      assert.deepStrictEqual(yield* container.health, { code: 0, output: "ready\n" })
      assert.strictEqual(yield* container.stop, 0, container.output())
      assert.notMatch(container.output(), /^(?:warning|error): /m)
    })
  )

  for (const [flag, name, code] of [
    ["--pid", "server.pid", 2],
    ["--access-log", "access.log", 2],
    ["--admin", "admin.sock", 3],
    ["--listen", "app.sock", 3]
  ] as const) {
    it.live(`says that it cannot write what ${flag} names`, () =>
      Effect.sync(() => {
        const command = [...image.entrypoint, flag, `/run/${name}`, ...image.command]
        const [path, args] = FreshRoot.commandIn(usualPlace(), command)
        const own = Object.entries(image.environment).filter(
          ([variable]) => !/^PAGI_(?:HOST|PORT|ADMIN)$/.test(variable)
        )
        const { status, stderr } = spawnSync(path, args, {
          encoding: "utf8",
          env: { ...Object.fromEntries(own), HOME: "/" }
        })
        assert.strictEqual(status, code, stderr)
        assert.match(stderr, new RegExp(`^error: .*/run/${name}.* read-only$`, "m"))
      })
    )
  }

  it.live("serves as a pod of Kubernetes does, whose folder for temporary files is everybody's", () =>
    Effect.gen(function* () {
      const environment = Object.fromEntries(
        Array.from(
          read("kubernetes.yaml").matchAll(/\{ name: ([A-Z_]+), value: "?([^"}]+?)"? \}/g),
          ([, name = "", value = ""]) => [name, value]
        )
      )
      const secrets = join(image.root, environment["PAGI_SECRETS"] ?? assert.fail())
      mkdirSync(secrets, { recursive: true })
      writeFileSync(join(secrets, "PAGI_ADMIN_TOKEN"), "0123456789abcdef", { mode: 0o444 })
      const { PAGI_ADMIN: _, PAGI_LOG_FORMAT: format, ...others } = environment
      assert.strictEqual(format, "json")
      const container = yield* run({ memoryMode: "2777" }, { ...others, PAGI_DRAIN_DELAY: "100ms" })
      assert.strictEqual(yield* get(`${container.url}x`), "/x 10001 10001", container.output())
      assert.deepStrictEqual(yield* container.health, { code: 0, output: "ready\n" })
      assert.strictEqual(yield* container.stop, 0, container.output())
      assert.notMatch(container.output(), /^(?:warning|error): /m)
    })
  )

  it.live("serves where there is no folder for temporary files either", () =>
    Effect.gen(function* () {
      const container = yield* run({ memory: [] })
      assert.strictEqual(yield* get(`${container.url}x`), "/x 10001 10001", container.output())
      assert.strictEqual(yield* container.stop, 0, container.output())
      const [problem, ...others] = container.output().match(/^(?:warning|error): .*$/gm) ?? []
      assert.match(
        problem ?? "",
        /nobody can ask for the status .*: the Unix socket \/tmp\/.* cannot be made, since the file system is read-only$/
      )
      assert.deepStrictEqual(others, [])
    })
  )
})

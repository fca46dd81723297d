import { assert, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { execFileSync } from "node:child_process"
import { linkSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import * as DirectoryClient from "../support/DirectoryClient.ts"

const SECRET = "the secret"

/** A site with ways out of it, none of which may lead anywhere. */
const setUp = Effect.gen(function* () {
  const site = yield* DirectoryClient.make({
    "a.txt": "a",
    "sub/b.txt": "b",
    "%2e%2e": "a name that looks encoded",
    ".env": SECRET,
    ".git/config": SECRET,
    "sub/.hidden/file": SECRET,
    "pagi.config.json": SECRET,
    "sub/pagi.config.mts": SECRET,
    "pagi.config.json.gz": SECRET,
    "pagi.config.json~": SECRET,
    "sub/pagi.config.ts.bak": SECRET
  })
  const { base, root } = site
  writeFileSync(join(base, "secret"), SECRET)
  writeFileSync(join(base, "root-2"), SECRET)
  symlinkSync("../secret", join(root, "file-out"))
  symlinkSync(join(base, "secret"), join(root, "absolute-out"))
  symlinkSync("..", join(root, "up"))
  symlinkSync(base, join(root, "sub/away"))
  symlinkSync("../root-2", join(root, "same-beginning"))
  symlinkSync(".env", join(root, "unhidden"))
  symlinkSync(".git", join(root, "sub/unhidden"))
  symlinkSync("loop", join(root, "loop"))
  symlinkSync("/dev/zero", join(root, "device"))
  symlinkSync(`/proc/self/cwd`, join(root, "process"))
  symlinkSync("sub", join(root, "inside"))
  execFileSync("mkfifo", [join(root, "fifo")])
  return site
})

class Site extends Context.Service<Site, Effect.Success<typeof setUp>>()("test/Site") {
  static readonly layer = Layer.effect(Site, setUp)
}

it.layer(Site.layer)("Directory: nothing but what is meant to be seen", (it) => {
  it.effect("answers 404 for everything else, at once", () =>
    Effect.gen(function* () {
      const { client } = yield* Site
      const hidden = [
        "/.env",
        "/.git/config",
        "/.git/",
        "/sub/.hidden/file",
        "/unhidden",
        "/sub/unhidden/config",
        "/pagi.config.json",
        "/sub/pagi.config.mts",
        "/pagi.config.json.gz",
        "/pagi.config.json~",
        "/sub/pagi.config.ts.bak",
        "/.",
        "/./a.txt"
      ]
      const dots = ["/..", "/../secret", "/sub/../../secret", "/%2e%2e/secret", "/%2E%2e%2fsecret", "/sub/%2e%2e/a.txt"]
      const encoded = [
        "/%252e%252e/secret",
        "/..%5csecret",
        "/..\\secret",
        "/sub%2fb.txt",
        "/sub%2Fb.txt",
        "/%c0%ae%c0%ae/secret"
      ]
      const odd = [
        "//a.txt",
        "//etc/passwd",
        "/sub//b.txt",
        "/a.txt/",
        "/a.txt/b",
        "/missing",
        "/missing/",
        `/${"x".repeat(5000)}`
      ]
      const links = [
        "/file-out",
        "/absolute-out",
        "/up/secret",
        "/up/",
        "/sub/away/secret",
        "/sub/away/",
        "/same-beginning",
        "/loop"
      ]
      const special = ["/fifo", "/device", "/process/", "/fifo/"]
      for (const path of [...hidden, ...dots, ...encoded, ...odd, ...links, ...special]) {
        const response = yield* client.request({ path })
        assert.strictEqual(response.status, 404, path)
        assert.notInclude(response.text, SECRET)
      }
    })
  )

  it.effect("a socket is no file", () =>
    Effect.gen(function* () {
      const { client, root } = yield* Site
      yield* Effect.acquireRelease(
        Effect.promise(
          () =>
            new Promise<ReturnType<typeof createServer>>((resolve) => {
              const server = createServer().listen(join(root, "socket"), () => resolve(server))
            })
        ),
        (server) => Effect.sync(() => server.close())
      )
      assert.strictEqual((yield* client.request({ path: "/socket" })).status, 404)
      assert.notInclude((yield* client.request({ path: "/" })).text, "socket")
    })
  )

  it.effect("links inside the root and names that look encoded are fine", () =>
    Effect.gen(function* () {
      const { client, root } = yield* Site
      linkSync(join(root, "a.txt"), join(root, "hard"))
      for (const [path, text] of [
        ["/inside/b.txt", "b"],
        ["/hard", "a"],
        ["/%252e%252e", "a name that looks encoded"]
      ] as const) {
        const response = yield* client.request({ path })
        assert.deepStrictEqual([response.status, response.text], [200, text])
      }
    })
  )

  it.effect("a file keeps its content while a link takes its place", () =>
    Effect.gen(function* () {
      const { client, root } = yield* Site
      writeFileSync(join(root, "big"), "x".repeat(200_000))
      const exchange = yield* client.open({ path: "/big" })
      yield* exchange.start
      rmSync(join(root, "big"))
      renameSync(join(root, "file-out"), join(root, "big"))
      assert.strictEqual((yield* exchange.response).text, "x".repeat(200_000))
    })
  )

  const name = Schema.Literals([
    "..",
    ".",
    "",
    "sub",
    "a.txt",
    "up",
    "away",
    "inside",
    "secret",
    "file-out",
    ".env",
    "%2e%2e",
    "%2E.",
    "%2f",
    "..%2f",
    "%5c..",
    "\\..",
    "%252e%252e",
    "root-2",
    "fifo",
    "device",
    "unhidden",
    "process"
  ])
  const names = Schema.Array(name).check(Schema.isMinLength(1), Schema.isMaxLength(6))

  it.effect.prop(
    "no path leads out",
    [names],
    ([names]) =>
      Effect.gen(function* () {
        const { client } = yield* Site
        const path = `/${names.join("/")}`
        const response = yield* client.request({ path })
        assert.include([200, 301, 404], response.status, path)
        assert.notInclude(response.text, SECRET, path)
        assert.notInclude(response.text, "root-2", path)
      }),
    { arbitrary: { runs: 500 } }
  )
})

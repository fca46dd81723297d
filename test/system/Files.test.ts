import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { createCipheriv, createHash } from "node:crypto"
import { readFileSync, writeFileSync } from "node:fs"
import * as http from "node:http"
import * as https from "node:https"
import { join } from "node:path"
import { certificates } from "../support/Certificates.ts"
import {
  descriptors,
  idleDescriptors,
  forgetPeak,
  inMebibytes,
  isMeasurable,
  mebibyte,
  peak,
  tell
} from "./support/Memory.ts"
import { findProgram } from "../support/FindProgram.ts"
import { temporaryFolder } from "../support/TemporaryFolder.ts"
import { run, type Server, serveDirectory } from "./support/Programs.ts"
import { until } from "./support/Until.ts"

const curl = findProgram("curl")

const fileSize = 100 * mebibyte
const allowedGrowth = 16 * mebibyte

/** Bytes without any pattern that are the same every time. */
const pseudoRandom = (size: number): Buffer =>
  createCipheriv("aes-128-ctr", Buffer.alloc(16, "key"), Buffer.alloc(16)).update(Buffer.alloc(size))

const hashOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex")

/** Downloads, and yields the length and the hash of what came. */
const download = (url: string, ca: string): Effect.Effect<readonly [length: number, hash: string], Error> =>
  Effect.callback((resume) => {
    const { get } = url.startsWith("https:") ? https : http
    const request = get(url, { ca, agent: false }, (response) => {
      const hash = createHash("sha256")
      let length = 0
      response.on("data", (bytes: Buffer) => {
        length += bytes.length
        hash.update(bytes)
      })
      response.on("end", () => resume(Effect.succeed([length, hash.digest("hex")])))
      response.on("error", (error) => resume(Effect.fail(error)))
    })
    request.on("error", (error) => resume(Effect.fail(error)))
    return Effect.sync(() => request.destroy())
  })

const carriers: Readonly<Record<string, (identity: Identity) => ReadonlyArray<string>>> = {
  TCP: () => [],
  TLS: ({ certPath, keyPath }) => ["--ssl-cert", certPath, "--ssl-key", keyPath]
}
type Identity = Awaited<ReturnType<typeof certificates>>["server"]

describe.skipIf(!isMeasurable)("a file of 100 MiB", () => {
  for (const [name, flags] of Object.entries(carriers)) {
    it.live(`arrives unchanged over ${name}, and the process does not grow by it`, () =>
      Effect.gen(function* () {
        const { authority, server: identity } = yield* Effect.promise(certificates)
        const folder = yield* temporaryFolder
        const content = pseudoRandom(fileSize)
        writeFileSync(join(folder, "large"), content)
        writeFileSync(join(folder, "small"), content.subarray(0, mebibyte))
        const server = yield* serveDirectory(folder, flags(identity))
        const get = (path: string) => download(server.url(path), authority.cert)
        // What is loaded and compiled for the first requests does not count as growth.
        yield* Effect.replicateEffect(get("/small"), 20, { concurrency: 2, discard: true })
        const idle = yield* idleDescriptors(server.pid)
        yield* forgetPeak(server.pid)
        const before = yield* peak(server.pid)
        assert.deepStrictEqual(yield* get("/large"), [fileSize, hashOf(content)])
        const growth = (yield* peak(server.pid)) - before
        yield* tell(`100 MiB over ${name}: growth ${inMebibytes(growth)}`)
        assert.isBelow(growth, allowedGrowth)
        yield* until(
          "the file is closed",
          Effect.map(descriptors(server.pid), (count) => count <= idle)
        )
      })
    )
  }
})

/** What curl gets for a range: the status, the Content-Range and the body. */
const getRange = Effect.fnUntraced(function* (server: Server, folder: string, range: string) {
  const output = join(folder, ".output")
  const format = "%{http_code} %header{content-range}"
  const { code, output: printed } = yield* run(curl ?? "", [
    ...["-sS", "-r", range, "-o", output, "-w", format],
    server.url("/file")
  ])
  assert.strictEqual(code, 0, printed)
  return [printed, readFileSync(output)] as const
})

describe.skipIf(curl === undefined)("curl", () => {
  it.live("gets parts of a file", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const size = 300_000
      const content = pseudoRandom(size)
      writeFileSync(join(folder, "file"), content)
      const server = yield* serveDirectory(folder)
      const parts: ReadonlyArray<readonly [range: string, start: number, end: number]> = [
        ["0-99", 0, 100],
        ["0-0", 0, 1],
        ["99-", 99, size],
        ["-1", size - 1, size],
        ["-100000", size - 100_000, size],
        ["65535-131072", 65_535, 131_073],
        ["299999-400000", 299_999, size]
      ]
      for (const [range, start, end] of parts) {
        const [printed, body] = yield* getRange(server, folder, range)
        assert.strictEqual(printed, `206 bytes ${start}-${end - 1}/${size}`, range)
        assert.isTrue(body.equals(content.subarray(start, end)), range)
      }
      // A list is answered with the whole file, as is a range that is none.
      for (const range of ["0-99,200-299", "9-1"]) {
        const [printed, body] = yield* getRange(server, folder, range)
        assert.strictEqual(printed, "200 ", range)
        assert.isTrue(body.equals(content), range)
      }
      const [printed] = yield* getRange(server, folder, "300000-")
      assert.strictEqual(printed, `416 bytes */${size}`)
    })
  )
})

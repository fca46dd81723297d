import { assert, describe, it } from "@effect/vitest"
import type { FileBody as OpenedBody, FilePart } from "@pagi/core/FileSource"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { spawnSync } from "node:child_process"
import {
  chmodSync,
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  symlinkSync,
  truncateSync,
  writeFileSync
} from "node:fs"
import { open as openHandle } from "node:fs/promises"
import { createServer } from "node:net"
import { join } from "node:path"
import * as FileBody from "../../src/files/FileBody.ts"
import { temporaryFolder } from "../../../../test/support/TemporaryFolder.ts"

const content = Buffer.from(Uint8Array.from({ length: 300_000 }, (_, index) => (index * 31) ^ (index >> 8)))

/** How often this process has the file open. */
const openCount = (path: string): number =>
  readdirSync("/proc/self/fd").filter((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`) === path
    } catch {
      return false
    }
  }).length

const withFile = Effect.map(temporaryFolder, (folder) => {
  const path = join(folder, "file")
  writeFileSync(path, content)
  return { folder, path }
})

const part = (file: FilePart["file"], offset = 0, length?: number): FilePart => ({ file, offset, length })

/** All that is left to read, in copies; `reclaims` gives every piece back at once. */
const readAll = Effect.fnUntraced(function* (body: OpenedBody, reclaims = true) {
  const pieces: Array<Buffer> = []
  for (let size = 0; size < body.length;) {
    const piece = yield* body.read
    if (piece.length === 0) break
    size += piece.length
    pieces.push(reclaims ? Buffer.from(piece) : Buffer.from(piece.buffer, piece.byteOffset, piece.length))
    if (reclaims) body.reclaim(0)
  }
  return pieces
})

/** The bytes of a part, and how they came. */
const send = (threshold: number, wanted: FilePart) =>
  Effect.acquireUseRelease(
    FileBody.make(threshold).open(wanted),
    (body) =>
      body.whole === undefined
        ? Effect.map(readAll(body), (pieces) => ({ length: body.length, bytes: Buffer.concat(pieces), isWhole: false }))
        : Effect.succeed({ length: body.length, bytes: Buffer.from(body.whole), isWhole: true }),
    (body) => body.close
  )

const refusal = (threshold: number, file: FilePart["file"]) =>
  Effect.map(Effect.flip(FileBody.make(threshold).open(part(file))), ({ message }) => message)

describe.each([65_536, 0])("FileBody with a threshold of %i", (threshold) => {
  const parts: ReadonlyArray<readonly [offset: number, length: number | undefined]> = [
    [0, undefined],
    [0, 10],
    [0, 0],
    [65_536, 65_536],
    [65_535, 65_538],
    [1, 299_998],
    [299_999, undefined],
    [299_999, 1000],
    [300_000, undefined],
    [1_000_000, 5],
    [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER]
  ]
  it.effect.each(parts)("offset %i and length %s send that part, as far as there is one", ([offset, length]) =>
    Effect.gen(function* () {
      const { path } = yield* withFile
      const expected = content.subarray(offset, length === undefined ? undefined : offset + length)
      const sent = yield* send(threshold, part(path, offset, length))
      assert.isTrue(sent.bytes.equals(expected))
      assert.strictEqual(sent.length, expected.length)
      assert.strictEqual(openCount(path), 0)
    })
  )

  it.effect("a file handle and a descriptor stay open, and where they were", () =>
    Effect.gen(function* () {
      const { path } = yield* withFile
      const descriptor = openSync(path, "r")
      yield* Effect.addFinalizer(() => Effect.sync(() => closeSync(descriptor)))
      const handle = yield* Effect.acquireRelease(
        Effect.promise(() => openHandle(path)),
        (handle) => Effect.promise(() => handle.close())
      )
      const skipped = Buffer.alloc(7)
      readSync(descriptor, skipped)
      for (const file of [descriptor, handle]) {
        for (const length of [100, undefined]) {
          const { bytes } = yield* send(threshold, part(file, 50, length))
          assert.isTrue(bytes.equals(content.subarray(50, length === undefined ? undefined : 50 + length)))
        }
      }
      readSync(descriptor, skipped)
      assert.isTrue(skipped.equals(content.subarray(7, 14)))
      assert.isTrue(fstatSync(handle.fd).isFile())
    })
  )

  it.effect("several files at a time do not share memory that is in use", () =>
    Effect.gen(function* () {
      const { path } = yield* withFile
      const source = FileBody.make(threshold)
      const read = Effect.acquireUseRelease(
        source.open(part(path)),
        (body) => Effect.map(readAll(body, false), Buffer.concat),
        (body) => body.close
      )
      const all = yield* Effect.all([read, send(threshold, part(path)), read], { concurrency: "unbounded" })
      const [first, , third] = all
      assert.isTrue(first.equals(content))
      assert.isTrue(third.equals(content))
    })
  )

  it.effect("uses the memory of pieces again that are not needed, and no other", () =>
    Effect.gen(function* () {
      const { path } = yield* withFile
      const body = yield* FileBody.make(threshold).open(part(path))
      const memory: Array<ArrayBufferLike> = []
      const readOne = Effect.map(body.read, (piece) => memory.push(piece.buffer))
      yield* readOne
      yield* readOne
      body.reclaim(65_537)
      yield* readOne
      assert.strictEqual(new Set(memory).size, 3)
      body.reclaim(65_536)
      // What is ahead was read before that.
      yield* readOne
      yield* readOne
      assert.strictEqual(new Set(memory).size, 4)
      assert.include(memory.slice(0, 2), memory[4])
      yield* body.close
    })
  )

  it.effect("a file that becomes shorter ends with an empty piece", () =>
    Effect.gen(function* () {
      const { path } = yield* withFile
      const body = yield* FileBody.make(threshold).open(part(path))
      yield* body.read
      yield* body.read
      truncateSync(path, 10)
      const rest = yield* readAll(body)
      assert.isAtMost(rest.length, 1, "at most what had been read ahead")
      assert.strictEqual((yield* body.read).length, 0)
      yield* body.close
      assert.strictEqual(openCount(path), 0)
    })
  )

  it.effect("a file that becomes longer is sent as long as it was", () =>
    Effect.gen(function* () {
      const { path } = yield* withFile
      const body = yield* FileBody.make(threshold).open(part(path))
      writeFileSync(path, "more", { flag: "a" })
      assert.isTrue(Buffer.concat(yield* readAll(body)).equals(content))
      yield* body.close
    })
  )

  it.live("is closed only after the read under way has come back, and once", () =>
    Effect.gen(function* () {
      const { path } = yield* withFile
      const source = FileBody.make(threshold)
      for (let count = 0; count < 50; count++) {
        const body = yield* source.open(part(path))
        yield* body.read
        // The second piece is being read; nobody waits for it.
        yield* Fiber.interrupt(yield* Effect.forkChild(body.read, { startImmediately: true }))
        yield* body.close
        const late = yield* Effect.forkChild(body.read, { startImmediately: true })
        assert.isDefined(late.pollUnsafe(), "there is no read to wait for")
        assert.strictEqual(openCount(path), 0)
        // The lowest free descriptor is that of the file: a late read or a second close would hit this one.
        const descriptor = openSync("/dev/null", "r")
        yield* Effect.yieldNow
        closeSync(descriptor)
      }
    })
  )

  it.effect("refuses what cannot be sent, and says why", () =>
    Effect.gen(function* () {
      const { folder, path } = yield* withFile
      const at = (name: string) => join(folder, name)
      spawnSync("mkfifo", [at("fifo")])
      mkdirSync(at("directory"))
      symlinkSync("loop", at("loop"))
      const socket = createServer()
      yield* Effect.addFinalizer(() => Effect.sync(() => socket.close()))
      yield* Effect.promise(() => new Promise<void>((resolve) => socket.listen(at("socket"), resolve)))
      const cases: ReadonlyArray<readonly [file: string, message: string]> = [
        [at("absent"), `there is no file "${at("absent")}"`],
        [join(path, "below"), `there is no file "${join(path, "below")}"`],
        [at("fifo"), `the file "${at("fifo")}" is not a regular file`],
        [at("directory"), `the file "${at("directory")}" is a directory`],
        [at("socket"), `the file "${at("socket")}" is not a regular file`],
        [at("loop"), `the file "${at("loop")}" leads through too many symbolic links`],
        ["/dev/zero", 'the file "/dev/zero" is not a regular file'],
        ["file", 'the file "file" is not given by an absolute path'],
        ["", 'the file "" is not given by an absolute path'],
        ["/etc/passwd\0.png", 'the file "/etc/passwd\\u0000.png" has a NUL character'],
        ["/a\nb", 'there is no file "/a\\nb"'],
        [`/${"a".repeat(300)}`, `the file "/${"a".repeat(300)}" has a name that is too long`]
      ]
      for (const [file, message] of cases) {
        assert.strictEqual(yield* refusal(threshold, file), message)
        assert.strictEqual(openCount(file), 0)
      }
    })
  )

  it.effect("refuses handles that are closed, or that nothing can be read from", () =>
    Effect.gen(function* () {
      const { folder, path } = yield* withFile
      const closed = yield* Effect.promise(() => openHandle(path))
      yield* Effect.promise(() => closed.close())
      assert.strictEqual(yield* refusal(threshold, closed), "the file with descriptor -1 is not open")
      assert.strictEqual(yield* refusal(threshold, 999_999), "the file with descriptor 999999 is not open for reading")
      const writing = openSync(path, "a")
      yield* Effect.addFinalizer(() => Effect.sync(() => closeSync(writing)))
      const message = `the file with descriptor ${writing} is not open for reading`
      assert.strictEqual(yield* refusal(threshold, writing), message)
      assert.strictEqual(yield* refusal(threshold, { fd: writing }), message)
      const directory = openSync(folder, "r")
      yield* Effect.addFinalizer(() => Effect.sync(() => closeSync(directory)))
      assert.strictEqual(yield* refusal(threshold, directory), `the file with descriptor ${directory} is a directory`)
    })
  )

  it.effect.skipIf(process.getuid?.() === 0)("refuses what this process may not read", () =>
    Effect.gen(function* () {
      const { path } = yield* withFile
      chmodSync(path, 0)
      assert.strictEqual(yield* refusal(threshold, path), `the file "${path}" may not be read by this process`)
    })
  )
})

describe("FileBody", () => {
  it.effect("reads up to the threshold at once, and counts what is to be sent", () =>
    Effect.gen(function* () {
      const { path } = yield* withFile
      const isWhole = (threshold: number, offset: number, length?: number) =>
        Effect.map(send(threshold, part(path, offset, length)), (sent) => sent.isWhole)
      assert.isTrue(yield* isWhole(300_000, 0))
      assert.isFalse(yield* isWhole(299_999, 0))
      assert.isTrue(yield* isWhole(1000, 5, 1000))
      assert.isFalse(yield* isWhole(1000, 5, 1001))
      assert.isTrue(yield* isWhole(1000, 299_000))
      assert.isFalse(yield* isWhole(0, 0, 1))
    })
  )

  it("opens and reads small files without giving up the thread", () =>
    Effect.runSync(
      Effect.scoped(
        Effect.gen(function* () {
          const { path } = yield* withFile
          assert.isTrue((yield* send(65_536, part(path, 0, 65_536))).bytes.equals(content.subarray(0, 65_536)))
        })
      )
    ))
})

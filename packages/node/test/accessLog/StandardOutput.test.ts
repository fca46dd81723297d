import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { closeSync, constants, openSync, readFileSync, readSync } from "node:fs"
import { join } from "node:path"
import { temporaryFolder } from "../../../../test/support/TemporaryFolder.ts"

const fixture = (name: string): string => join(import.meta.dirname, "fixtures", name)

const program = fixture("unreadOutput.ts")

describe("standard output that nobody reads", () => {
  it.live("does not stop the process, also where somebody has made it block, and loses what is too much", () =>
    Effect.promise(async () => {
      const child = spawn(process.execPath, [program], { stdio: ["ignore", "pipe", "inherit", "ipc"] })
      const [told] = await once(child, "message")
      assert.strictEqual(told.refused, 1)
      assert.isAtLeast(told.waiting, 1_000_000)
      assert.isBelow(told.waiting, 2_000_000)
      let text = ""
      await new Promise<void>((resolve) => {
        child.stdout?.setEncoding("utf8").on("data", (piece: string) => {
          text += piece
          if (text.length >= told.waiting && text.endsWith("x\n")) resolve()
        })
      })
      child.send("end")
      await once(child, "close")
      const lost = Number(/were lost, as nobody read it: (\d+)\nend\n$/.exec(text)?.[1])
      assert.strictEqual(text.split("x\n").length - 1 + lost, 5000)
      assert.isAbove(lost, 2000)
    })
  )
})

/** Runs the program whose output is this descriptor, which is its alone then; `tell` answers how many messages it has lost. */
const startFailing = (output: number) =>
  Effect.gen(function* () {
    const child = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(process.execPath, [fixture("failingOutput.ts")], { stdio: ["ignore", output, 2, "ipc"] })
      ),
      (child) => Effect.sync(() => child.kill("SIGKILL"))
    )
    closeSync(output)
    const answer = Effect.promise(async (): Promise<number> => (await once(child, "message"))[0].lost)
    yield* answer
    const tell = (order: object): Effect.Effect<number> =>
      Effect.andThen(
        Effect.sync(() => child.send(order)),
        answer
      )
    const end = Effect.promise(async () => {
      child.send("end")
      return (await once(child, "close"))[0]
    })
    return { tell, end }
  })

describe("standard output that fails", () => {
  it.live("does not end the process on a full disk, and says what was lost when there is room", () =>
    Effect.gen(function* () {
      const file = join(yield* temporaryFolder, "log")
      const { end, tell } = yield* startFailing(openSync(file, "a"))
      assert.strictEqual(yield* tell({ write: "first" }), 0)
      yield* tell({ file: "/dev/full" })
      assert.strictEqual(yield* tell({ write: "lost" }), 1)
      assert.strictEqual(yield* tell({ write: "lost\nlost" }), 2)
      assert.strictEqual(yield* tell({ write: "lost" }), 3)
      yield* tell({ file })
      assert.strictEqual(yield* tell({ write: "second" }), 3)
      yield* tell({ write: "third" })
      assert.strictEqual(yield* end, 0)
      assert.strictEqual(
        readFileSync(file, "utf8"),
        "first\nwarning: messages to standard output that were lost, as the disk was full: 3\nsecond\nthird\n"
      )
    })
  )

  it.live("does not end the process when its reader goes, and says what was lost when there is another one", () =>
    Effect.gen(function* () {
      const fifo = join(yield* temporaryFolder, "fifo")
      execFileSync("mkfifo", [fifo])
      const openReader = (): number => openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK)
      const first = openReader()
      const { end, tell } = yield* startFailing(openSync(fifo, "w"))
      const bytes = Buffer.alloc(1000)
      const read = (reader: number): string => bytes.toString("utf8", 0, readSync(reader, bytes))
      yield* tell({ write: "first" })
      assert.strictEqual(read(first), "first\n")
      closeSync(first)
      assert.strictEqual(yield* tell({ write: "lost" }), 1)
      assert.strictEqual(yield* tell({ write: "lost" }), 2)
      const second = openReader()
      assert.strictEqual(yield* tell({ write: "second" }), 2)
      assert.strictEqual(
        read(second),
        "warning: messages to standard output that were lost, as nobody read it any more: 2\nsecond\n"
      )
      closeSync(second)
      assert.strictEqual(yield* end, 0)
    })
  )
})

import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"

const program = join(import.meta.dirname, "fixtures/unreadOutput.ts")

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

/** Loaded before a server whose memory is measured; answers how much that is. */
import type { Memory } from "../harness/runningServer.ts"

/** Garbage is collected several times because finalizers free more in a later turn of the event loop. */
const settleHeap = async (): Promise<void> => {
  if (globalThis.gc === undefined) throw new Error("a server whose memory is measured runs with --expose-gc")
  for (let pass = 0; pass < 5; pass++) {
    await globalThis.gc({ type: "major", execution: "async" })
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

process.on("message", (message) => {
  if (message !== "memory") return
  void settleHeap().then(() => {
    const { external, heapUsed, rss } = process.memoryUsage()
    const answer: Memory = { residentBytes: rss, heapAndExternalBytes: heapUsed + external }
    process.send?.(answer)
  })
})

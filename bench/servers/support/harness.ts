import { readFileSync } from "node:fs"
import { parseArgs } from "node:util"
import type { CertificateFiles } from "../../harness/certificate.ts"
import type { Usage } from "../../harness/runningServer.ts"
import { ownScheduling } from "../../harness/scheduling.ts"

export interface ServerArguments {
  readonly port: number
  readonly accessLog: string | undefined
  /** With them the server speaks TLS. */
  readonly certificate: CertificateFiles | undefined
}

const argumentTypes = {
  port: { type: "string" },
  "access-log": { type: "string" },
  cert: { type: "string" },
  key: { type: "string" }
} as const

export const serverArguments = (): ServerArguments => {
  const { values } = parseArgs({ options: argumentTypes })
  const port = Number(values.port)
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new Error(`--port must be a number from 1 to 65535, not ${values.port}`)
  }
  const { cert, key } = values
  const certificate = cert === undefined || key === undefined ? undefined : { cert, key }
  return { port, accessLog: values["access-log"], certificate }
}

/** Garbage is collected several times because finalizers free more in a later turn of the event loop. */
const settleHeap = async (): Promise<void> => {
  if (globalThis.gc === undefined) return
  for (let pass = 0; pass < 5; pass++) {
    await globalThis.gc({ type: "major", execution: "async" })
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** `resourceUsage().maxRSS` would include the benchmark's own memory at the time of the fork. */
const peakResidentBytes = (): number =>
  Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? 0) * 1024

const reportUsage = async (): Promise<void> => {
  await settleHeap()
  const memory = process.memoryUsage()
  const usage: Usage = {
    residentBytes: memory.rss,
    peakResidentBytes: peakResidentBytes(),
    heapAndExternalBytes: memory.heapUsed + memory.external,
    ...(await ownScheduling())
  }
  process.send?.({ kind: "usage", usage })
}

/** Tells the benchmark that connections are accepted, and ends this process should the benchmark die. */
export const announceReady = (): void => {
  process.on("disconnect", () => process.exit())
  process.on("message", (message) => {
    if (message === "usage") void reportUsage()
  })
  process.send?.({ kind: "ready" })
}

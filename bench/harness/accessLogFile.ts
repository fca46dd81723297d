import { createReadStream, rmSync } from "node:fs"
import { mkdtemp } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"

const newline = 0x0a

const countLines = async (path: string): Promise<number> => {
  let lines = 0
  for await (const bytes of createReadStream(path) as AsyncIterable<Buffer>) {
    for (let at = bytes.indexOf(newline); at !== -1; at = bytes.indexOf(newline, at + 1)) lines += 1
  }
  return lines
}

export interface AccessLogFile {
  readonly path: string
  /** A log that is cheap because it loses lines is no log; requests cut off by the end of a run may add some. */
  readonly problems: (requests: number) => Promise<ReadonlyArray<string>>
}

export const withAccessLogFile = async <Value>(use: (log: AccessLogFile) => Promise<Value>): Promise<Value> => {
  const directory = await mkdtemp(join(tmpdir(), "pagi-bench-"))
  const path = join(directory, "access.log")
  const remove = (): void => rmSync(directory, { recursive: true, force: true })
  process.once("exit", remove)
  try {
    return await use({
      path,
      problems: async (requests) => {
        const lines = await countLines(path).catch(() => 0)
        return lines >= requests ? [] : [`the access log has ${lines} lines for ${requests} requests`]
      }
    })
  } finally {
    process.off("exit", remove)
    remove()
  }
}

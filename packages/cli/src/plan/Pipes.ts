/**
 * What named pipes have said that options and variables were read from, by their paths. A pipe says it once, and the
 * command may have to know it again: in the process that serves after the one that has checked the command line, and
 * when a server reads all files anew.
 */
import { readFileSync } from "node:fs"

const texts = new Map<string, string>()

/** What a pipe has said, if it was read. */
export const textOf = (path: string): string | undefined => texts.get(path)

/** Keeps what a pipe has said. */
export const keep = (path: string, text: string): void => void texts.set(path, text)

/** All that was kept. */
export const all = (): Readonly<Record<string, string>> => Object.fromEntries(texts)

/** Keeps what another process has read. */
export const adopt = (read: Readonly<Record<string, string>>): void => {
  for (const [path, text] of Object.entries(read)) keep(path, text)
}

/** Where a process that checks a command line once more finds what pipes have said: the number of a descriptor. */
export const variable = "PAGI_PIPES_FD"

const isTexts = (value: unknown): value is Readonly<Record<string, string>> =>
  typeof value === "object" && value !== null && Object.values(value).every((text) => typeof text === "string")

/** Adopts what the process that has started this one has left, and removes the variable that says where. */
export const claim = (environment: NodeJS.ProcessEnv = process.env): void => {
  const descriptor = environment[variable]
  delete environment[variable]
  if (descriptor === undefined || !/^\d{1,3}$/.test(descriptor)) return
  try {
    const read: unknown = JSON.parse(readFileSync(Number(descriptor), "utf8"))
    if (isTexts(read)) adopt(read)
  } catch {
    // Whoever has started this process was killed, or somebody else has set the variable: pipes are read as if new.
  }
}

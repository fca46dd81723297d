/** Files that scripts write from the code. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { root } from "./workspace.ts"

/** A file, and what is said when it is out of date. */
export interface Written {
  /** From the root of the repository. */
  readonly path: string
  /** What it shows of the code. */
  readonly subject: string
  /** The script of `package.json` that writes it. */
  readonly script: string
}

/** Writes the file; with `--check`, fails instead when it is not as it would be written. */
export const write = ({ path, script, subject }: Written, text: string): void => {
  const file = join(root, path)
  if (!process.argv.includes("--check")) {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  } else if (!existsSync(file) || readFileSync(file, "utf8") !== text) {
    console.error(`${path} does not show ${subject} as they are; run: npm run ${script}`)
    process.exitCode = 1
  }
}

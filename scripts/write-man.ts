/**
 * Writes the manual page of the command, packages/cli/man/pagi-server.1, from the table of options and what the command
 * knows of itself. With `--check` it writes nothing and fails when the page is out of date.
 */
import { manualPage } from "@pagi/cli/manual/ManualPage"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { root } from "./support/workspace.ts"
import { write } from "./support/written.ts"

const source = readFileSync(join(root, "packages/node/src/pool/ExitCode.ts"), "utf8")

/** The rows of the table in the docstring. */
const exitCodes = [...source.matchAll(/^ \* \| (\d[^|]*?) \| ([^|]+?) \|/gm)].map(
  ([, code = "", meaning = ""]) => [code, meaning] as const
)
// A field that every published manifest has.
const { version } = JSON.parse(readFileSync(join(root, "packages/cli/package.json"), "utf8")) as { version: string }
const text = manualPage({ version, exitCodes })

write({ path: "packages/cli/man/pagi-server.1", subject: "the options", script: "docs:man" }, text)

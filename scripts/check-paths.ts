/** Checks that the files and folders exist which the documentation names in backticks by their path in the repository. */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"

const root = join(import.meta.dirname, "..")

/** Everything that is written by hand for people who change the code. */
const documents = (): ReadonlyArray<string> => [
  "README.md",
  "CONTRIBUTING.md",
  ...readdirSync(join(root, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => join("docs", name))
]

/** Names of what there may be one day, or only while something runs. */
const examples = ["packages/X/", "packages/http3", "bench/results"]

const path = /`((?:packages|scripts|bench|test|examples|docs)\/[\w./-]+)`/g

const missing = documents().flatMap((document) => {
  const lines = readFileSync(join(root, document), "utf8").split("\n")
  return lines.flatMap((line, index) =>
    [...line.matchAll(path)].flatMap(([, named = ""]) =>
      examples.some((start) => named.startsWith(start)) || existsSync(join(root, named))
        ? []
        : [`${document}:${index + 1}: there is no ${named}`]
    )
  )
})

for (const problem of missing) console.error(problem)
if (missing.length > 0) process.exitCode = 1

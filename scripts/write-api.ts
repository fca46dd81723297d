/**
 * Writes docs/api: for each package the types of what its `exports` list, without comments, so that a change of the
 * public surface is seen in a review. With `--check` it writes nothing and fails when they differ.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, join, relative } from "node:path"
import { run } from "./support/run.ts"
import { publishedPackages, root } from "./support/workspace.ts"
import { write } from "./support/written.ts"

interface Manifest {
  readonly name: string
  readonly exports: Readonly<Record<string, string>>
}

/** Entries by pattern are the unstable group, which other packages of the repository use, and are no promise. */
const isPublic = ([entry, file]: readonly [string, string]): boolean => !entry.includes("*") && file.endsWith(".ts")

const withoutComments = (declarations: string): string =>
  declarations
    .replaceAll(/\/\*\*?[^]*?\*\//g, "")
    .replaceAll(/^\s*\/\/.*$/gm, "")
    .replaceAll(/[ \t]+$/gm, "")
    .replaceAll(/\n{2,}/g, "\n")
    .trim()

const reportOf = (folder: string, declarations: string): string => {
  const { exports, name } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest
  const parts = Object.entries(exports)
    .filter(isPublic)
    .map(([entry, file]) => {
      const path = join(declarations, relative(root, folder), file.replace(/\.ts$/, ".d.ts"))
      return `// ${name}${entry.slice(1)}\n\n${withoutComments(readFileSync(path, "utf8"))}\n`
    })
  return `${parts.join("\n")}`
}

const declarations = mkdtempSync(join(tmpdir(), "pagi-api-"))
try {
  run(join(root, "node_modules/.bin/tsc"), ["--project", join(root, "tsconfig.api.json"), "--outDir", declarations])
  for (const { folder } of publishedPackages) {
    const path = `docs/api/${basename(folder)}.txt`
    write({ path, subject: "the public types", script: "docs:api" }, reportOf(folder, declarations))
  }
} finally {
  rmSync(declarations, { recursive: true, force: true })
}

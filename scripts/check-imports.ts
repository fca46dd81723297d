/**
 * Checks that neither files nor folders of a package import each other in a circle, type imports included. With
 * `--print` it also writes which folder needs which.
 */
import { circlesOf, fileGraph, folderGraph, type Graph, sourceFiles } from "./support/sources.ts"

const files = fileGraph(sourceFiles())
const folders = folderGraph(files)

const check = (graph: Graph, what: string): void => {
  const circles = circlesOf(graph)
  for (const circle of circles) console.error(`${what} that import each other:\n  ${circle.join("\n  ")}`)
  if (circles.length > 0) process.exitCode = 1
}

check(files, "files")
check(folders, "folders")

if (process.argv.includes("--print")) {
  for (const [folder, needed] of folders) {
    console.log(needed.size === 0 ? folder : `${folder}\n  ${[...needed].toSorted().join("\n  ")}`)
  }
}
if (process.exitCode !== 1) console.log(`${files.size} files in ${folders.size} folders, no circle`)

/** The source files of the packages, and who imports whom. */
import { readFileSync, readdirSync } from "node:fs"
import { dirname, join, posix, sep } from "node:path"
import { publishedPackages, root } from "./workspace.ts"

export interface SourceFile {
  /** From the repository's root, with slashes on every system. */
  readonly path: string
  readonly text: string
}

const slashes = (path: string): string => path.split(sep).join("/")

/** All files in `packages/*\/src`, in the order of their paths. */
export const sourceFiles = (): ReadonlyArray<SourceFile> =>
  publishedPackages
    .flatMap(({ folder }) => {
      const sources = join(folder, "src")
      return readdirSync(sources, { recursive: true, encoding: "utf8" })
        .filter((name) => name.endsWith(".ts"))
        .map((name) => join(sources, name))
    })
    .map((file) => ({ path: slashes(file.slice(root.length + 1)), text: readFileSync(file, "utf8") }))
    .toSorted((one, other) => (one.path < other.path ? -1 : 1))

const specifiers = /(?:\bfrom|\bimport|\bimport\()\s*"(?<specifier>[^"]+)"/g

/** The files of the same package that a file imports, also when only for their types. */
const importsOf = ({ path, text }: SourceFile): ReadonlyArray<string> =>
  [...text.matchAll(specifiers)]
    .flatMap(({ groups }) => groups?.["specifier"] ?? [])
    .filter((specifier) => specifier.startsWith("."))
    .map((specifier) => posix.join(dirname(path), specifier))

/** From each node to those that it needs. */
export type Graph = ReadonlyMap<string, ReadonlySet<string>>

export const fileGraph = (files: ReadonlyArray<SourceFile>): Graph =>
  new Map(files.map((file) => [file.path, new Set(importsOf(file))]))

/** The same, by folders. A folder and one within it are two. */
export const folderGraph = (files: Graph): Graph => {
  const folders = new Map<string, Set<string>>()
  for (const [file, imported] of files) {
    const from = dirname(file)
    const needs = folders.get(from) ?? new Set()
    folders.set(from, needs)
    for (const other of imported) if (dirname(other) !== from) needs.add(dirname(other))
  }
  return folders
}

/** Sets of nodes that can all be reached from each other (Tarjan). A graph without circles has none. */
export const circlesOf = (graph: Graph): ReadonlyArray<ReadonlyArray<string>> => {
  const order = new Map<string, number>()
  const lowest = new Map<string, number>()
  const path: Array<string> = []
  const circles: Array<ReadonlyArray<string>> = []
  const visit = (node: string): number => {
    order.set(node, order.size)
    let low = order.size - 1
    path.push(node)
    for (const next of graph.get(node) ?? []) {
      if (!order.has(next)) low = Math.min(low, visit(next))
      else if (path.includes(next)) low = Math.min(low, lowest.get(next) ?? order.get(next) ?? low)
    }
    lowest.set(node, low)
    if (low === order.get(node)) {
      const circle = path.splice(path.indexOf(node))
      if (circle.length > 1 || graph.get(node)?.has(node) === true) circles.push(circle)
    }
    return low
  }
  for (const node of graph.keys()) if (!order.has(node)) visit(node)
  return circles
}

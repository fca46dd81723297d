/**
 * Writes the list of places in docs/architecture.md: each folder of the packages' sources with its files, and of each
 * file the first sentence of its docstring. With `--check` it writes nothing and fails when the list is out of date, or a
 * file says nothing of itself.
 */
import { readFileSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { type SourceFile, sourceFiles } from "./support/sources.ts"
import { root } from "./support/workspace.ts"
import { write } from "./support/written.ts"

const path = "docs/architecture.md"
const begin = "<!-- places: written by `npm run docs:places` from the first sentences of the files; edit those -->"
const end = "<!-- places end -->"

const declaration = /^\/\*\*(?<comment>(?:[^*]|\*(?!\/))*)\*\/\n(?<code>.*)$/gm

/** The first paragraph. */
const wordsOf = (comment: string): string => {
  const [paragraph = ""] = comment
    .split("\n")
    .map((line) => line.replace(/^\s*\* ?/, "").trim())
    .join("\n")
    .trim()
    .split("\n\n")
  return paragraph.replaceAll("\n", " ").replace(/:$/, ".")
}

/** Up to the first full stop behind which another sentence, or nothing, follows. */
const firstSentence = (words: string): string => /^.*?[.!?](?=\s+[A-Z`"(]|$)/.exec(words)?.[0] ?? words

/** What a file says of itself: above its imports, or else at what it is named for, or else at what comes first. */
const docstringOf = ({ path, text }: SourceFile): string | undefined => {
  const name = basename(path, ".ts").toLowerCase()
  const found = [...text.matchAll(declaration)].flatMap(({ groups }) =>
    groups === undefined ? [] : [{ comment: groups["comment"] ?? "", code: groups["code"] ?? "" }]
  )
  const isHead = text.startsWith("/**")
  const named = found.find(({ code }) => new RegExp(`^export (?:abstract )?\\w+ ${name}\\b`, "i").test(code))
  const chosen = isHead ? found[0] : (named ?? found.find(({ code }) => code.startsWith("export")) ?? found[0])
  return chosen === undefined ? undefined : firstSentence(wordsOf(chosen.comment))
}

const width = 120

/** A line of the list, broken as the formatter would have it. */
const wrap = (line: string): string => {
  const lines = [""]
  for (const word of line.split(" ")) {
    const last = lines.at(-1) ?? ""
    const longer = last === "" ? word : `${last} ${word}`
    if (longer.length <= width) lines[lines.length - 1] = longer
    else lines.push(`  ${word}`)
  }
  return lines.join("\n")
}

const missing: Array<string> = []

const lineOf = (file: SourceFile): string => {
  const sentence = docstringOf(file)
  if (sentence === undefined) missing.push(file.path)
  return wrap(`- \`${basename(file.path, ".ts")}\`: ${sentence ?? ""}`)
}

const list = (): string => {
  const folders = new Map<string, Array<SourceFile>>()
  for (const file of sourceFiles()) {
    if (basename(file.path) === "index.ts") continue
    const folder = dirname(file.path)
    folders.set(folder, [...(folders.get(folder) ?? []), file])
  }
  return [...folders]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(
      ([folder, files]) =>
        `**${folder.replace("packages/", "").replace("/src", "")}**\n\n${files.map(lineOf).join("\n")}`
    )
    .join("\n\n")
}

const text = readFileSync(join(root, path), "utf8")
const [before, behind] = [text.indexOf(begin), text.indexOf(end)]
if (before === -1 || behind === -1) throw new Error(`${path} has no place for the list: ${begin} … ${end}`)
const written = `${text.slice(0, before)}${begin}\n\n${list()}\n\n${text.slice(behind)}`

for (const path of missing) console.error(`${path} has no docstring that says what it is`)
if (missing.length > 0) process.exitCode = 1
else write({ path, subject: "the places", script: "docs:places" }, written)

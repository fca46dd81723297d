/**
 * Checks that the documentation leads somewhere: the files and folders that it names in backticks by their path in the
 * repository have to be there, and so have the files and headings of its links.
 */
import { existsSync, globSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { root } from "./support/workspace.ts"

/** Everything that is written by hand for people who change the code. */
const documents = ["README.md", "CONTRIBUTING.md", ...globSync("docs/*.md", { cwd: root })]

/** Names of what there may be one day, or only while something runs. */
const examples = ["packages/X/", "packages/http3", "bench/results"]

const path = /`((?:packages|scripts|bench|test|examples|docs)\/[\w./-]+)`/g

interface Line {
  readonly text: string
  readonly number: number
  readonly isCode: boolean
}

const linesOf = (document: string): ReadonlyArray<Line> => {
  let isCode = false
  return readFileSync(join(root, document), "utf8")
    .split("\n")
    .map((text, index) => {
      const isFence = /^\s*```/.test(text)
      if (isFence) isCode = !isCode
      return { text, number: index + 1, isCode: isCode || isFence }
    })
}

const proseOf = (document: string): ReadonlyArray<Line> => linesOf(document).filter(({ isCode }) => !isCode)

const missingPaths = documents.flatMap((document) =>
  linesOf(document).flatMap(({ number, text }) =>
    [...text.matchAll(path)].flatMap(([, named = ""]) =>
      examples.some((start) => named.startsWith(start)) || existsSync(join(root, named))
        ? []
        : [`${document}:${number}: there is no ${named}`]
    )
  )
)

/** What a link to a heading has behind its #, as GitHub makes it; of headings that are alike, the later ones have a number. */
const anchorsOf = (document: string): ReadonlySet<string> => {
  const anchors = new Set<string>()
  for (const { text } of proseOf(document)) {
    const [, heading] = /^#{1,6} +(.*)$/.exec(text) ?? []
    if (heading === undefined) continue
    const words = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase()
    const anchor = words.replaceAll(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(/\s/g, "-")
    let count = 0
    while (anchors.has(count === 0 ? anchor : `${anchor}-${count}`)) count++
    anchors.add(count === 0 ? anchor : `${anchor}-${count}`)
  }
  return anchors
}

const link = /\]\((?![a-z]+:)([^)\s#]*)(?:#([^)\s]*))?\)/g

const leadsSomewhere = (document: string, target: string, anchor: string | undefined): boolean => {
  const file = target === "" ? document : join(dirname(document), target)
  return existsSync(join(root, file)) && (anchor === undefined || anchorsOf(file).has(anchor))
}

/** Links are in all documents, also in the READMEs of folders. */
const linked = [...documents, ...globSync(["CHANGELOG.md", "packages/*/{src,test}/**/*.md"], { cwd: root })]

const missingLinks = linked.flatMap((document) =>
  proseOf(document).flatMap(({ number, text }) =>
    [...text.replaceAll(/`[^`]*`/g, "").matchAll(link)].flatMap(([, target = "", anchor]) =>
      leadsSomewhere(document, target, anchor)
        ? []
        : [`${document}:${number}: there is no ${anchor === undefined ? target : `${target}#${anchor}`}`]
    )
  )
)

const missing = [...missingPaths, ...missingLinks]
for (const problem of missing) console.error(problem)
if (missing.length > 0) process.exitCode = 1

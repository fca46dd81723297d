/** The lint rules of this repository, loaded by oxlint as `.oxlintrc.json` says. */
import { join, relative, sep } from "node:path"
import { clockedPackages, importProblem } from "./architecture.ts"

/** As much of a syntax tree as the rules below look at. */
interface Node {
  readonly type: string
  readonly name?: string
  readonly value?: unknown
  readonly arguments?: ReadonlyArray<Node>
  readonly callee?: Node
  readonly object?: Node
  readonly parent?: Node
  readonly property?: Node
  readonly source?: Node | null
}

interface Context {
  readonly filename: string
  readonly sourceCode: { isGlobalReference(node: Node): boolean }
  report(problem: { readonly node: Node; readonly message: string }): void
}

interface Rule {
  create(context: Context): Readonly<Record<string, (node: Node) => void>>
}

const root = join(import.meta.dirname, "../..")

/** The file's path from the repository's root, with slashes on every system. */
const fileOf = (context: Context): string => relative(root, context.filename).split(sep).join("/")

/** Imports follow the architecture, in whichever form they are written. */
const boundaries: Rule = {
  create(context) {
    const file = fileOf(context)
    const check = (source: Node | null | undefined) => {
      if (typeof source?.value !== "string") return
      const message = importProblem(file, source.value)
      if (message !== undefined) context.report({ node: source, message })
    }
    const checkSource = (node: Node) => check(node.source)
    return {
      ImportDeclaration: checkSource,
      ExportNamedDeclaration: checkSource,
      ExportAllDeclaration: checkSource,
      ImportExpression: checkSource,
      TSImportType: checkSource
    }
  }
}

const timers = new Set(["setTimeout", "setInterval", "setImmediate"])
const clocks = new Set(["Date", "performance"])

/** Time comes from Effect's Clock, so that TestClock drives every timeout. */
const effectClock: Rule = {
  create(context) {
    const file = fileOf(context)
    if (!clockedPackages.some((name) => file.startsWith(`packages/${name}/src/`))) return {}

    const report = (node: Node, what: string) =>
      context.report({ node, message: `${what} passes by Effect's Clock, so tests could not control the time` })

    /** The global that an expression names, also as `globalThis.name`. */
    const globalName = (node: Node | undefined): string | undefined => {
      if (node?.type === "Identifier") return context.sourceCode.isGlobalReference(node) ? node.name : undefined
      return node?.type === "MemberExpression" && globalName(node.object) === "globalThis"
        ? node.property?.name
        : undefined
    }

    return {
      Identifier(node) {
        if (node.name !== undefined && timers.has(node.name) && globalName(node) === node.name) {
          report(node, node.name)
        }
      },
      MemberExpression(node) {
        const owner = globalName(node.object)
        const name = node.property?.name ?? ""
        if (owner === "globalThis" && timers.has(name)) report(node, name)
        if (owner !== undefined && clocks.has(owner) && name === "now") report(node, `${owner}.now`)
      },
      NewExpression(node) {
        if (globalName(node.callee) === "Date" && node.arguments?.length === 0) report(node, "new Date()")
      },
      CallExpression(node) {
        if (globalName(node.callee) === "Date") report(node, "Date()")
      }
    }
  }
}

export default {
  meta: { name: "pagi" },
  rules: { boundaries, "effect-clock": effectClock }
}

/**
 * The packing build: `dist/` of every package that is published, with JavaScript and declarations, and the command as
 * one bundled file. Nothing in the repository runs from `dist/`; `scripts/check-pack.ts` proves that a user can.
 */
import { readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join, relative } from "node:path"
import { bundleCommand } from "./support/bundle.ts"
import { copyPage, libraryFolder } from "./support/page.ts"
import { run } from "./support/run.ts"
import { publishedPackages, root } from "./support/workspace.ts"

interface Manifest {
  readonly license: string
  readonly name: string
  readonly version: string
}

const filesBelow = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => join(folder, name))

/** The compiler leaves `.ts` in the imports of declarations, which is right for itself but not for other readers. */
const renameImports = (declaration: string): void => {
  const text = readFileSync(declaration, "utf8")
  writeFileSync(declaration, text.replaceAll(/((?:from|import) ?\(?"\.{1,2}\/[^"]+)\.ts"/g, '$1.js"'))
}

const compile = (): void => {
  for (const { folder } of publishedPackages) rmSync(join(folder, "dist"), { recursive: true, force: true })
  const projects = publishedPackages.map(({ folder }) => join(folder, "tsconfig.build.json"))
  run(join(root, "node_modules/.bin/tsc"), ["--build", "--force", ...projects])
  for (const { folder } of publishedPackages) {
    for (const file of filesBelow(join(folder, "dist"))) if (file.endsWith(".d.ts")) renameImports(file)
  }
}

/** The folder of the package that a bundled module comes from, when that is not one of ours. */
const packageFolderOf = (module: string): string | undefined =>
  /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(module.replaceAll("\\", "/"))?.[0]

/** The licences of what the bundle contains ask to go with it. */
const licencesOf = (modules: ReadonlyArray<string>): string => {
  const bundled = modules.map(packageFolderOf).filter((folder) => folder !== undefined)
  // The dashboard has its library beside it.
  const folders = new Set([...bundled, libraryFolder])
  return [...folders].toSorted().map(licenceIn).join("\n")
}

const licenceIn = (folder: string): string => {
  const { license, name, version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry))
  const text = file === undefined ? `Licence: ${license}` : readFileSync(join(folder, file), "utf8").trim()
  return `${name} ${version}\n\n${text}\n`
}

/** The command as few files, with the licences of all that is in them. */
const packCommand = async (): Promise<void> => {
  const folder = join(root, "packages/cli/dist")
  const output = await bundleCommand(folder)
  const modules = output.flatMap((part) => (part.type === "chunk" ? part.moduleIds : []))
  writeFileSync(join(folder, "THIRD-PARTY-LICENCES.txt"), licencesOf(modules))
  for (const { fileName } of output) {
    const file = join(folder, fileName)
    console.log(`${relative(root, file)}  ${Math.round(statSync(file).size / 1024)} KiB`)
  }
}

compile()
copyPage(join(root, "packages/node/dist/admin/page"))
await packCommand()

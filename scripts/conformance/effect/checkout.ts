/** Effect's test files: where a checkout has them, and a copy of them that finds the packages that are installed here. */
import { cpSync, existsSync, mkdtempSync, realpathSync, rmSync, statSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { root } from "../../support/workspace.ts"

/** Where the tests of Effect's platform for Node have been. */
const folders = ["packages/platform/node/test", "packages/platform-node/test"]

/** What tests an HTTP server, or what a program for one is given besides; `MultipartParser` is neither. */
const names = [
  "NodeHttpServer",
  "HttpApi",
  "NodeHttpCompression",
  "HttpStaticServer",
  "HttpStaticServerConditional",
  "NodeHttpPlatform",
  "RpcServer"
]

export interface TestFiles {
  readonly folder: string
  readonly present: ReadonlyArray<string>
  readonly missing: ReadonlyArray<string>
}

/** The test files of a checkout whose names begin in one of the ways, if any is given; or what is wrong with the path. */
export const findTestFiles = (path: string, beginnings: ReadonlyArray<string> = []): TestFiles | string => {
  if (!existsSync(path)) return `there is no ${path}`
  if (!statSync(path).isDirectory()) return `${path} is not a folder`
  const folder = folders.map((name) => join(path, name)).find((name) => existsSync(name))
  if (folder === undefined) return `${path} is not a checkout of Effect: it has no ${folders.join(" and no ")}`
  const isAsked = (name: string): boolean => beginnings.some((beginning) => name.startsWith(beginning))
  const files = names.filter((name) => beginnings.length === 0 || isAsked(name)).map((name) => `${name}.test.ts`)
  if (files.length === 0) return `none of ${names.join(", ")} begins with ${beginnings.join(" or ")}`
  const present = files.filter((file) => existsSync(join(folder, file)))
  if (present.length === 0) return `${folder} has none of the test files: ${files.join(", ")}`
  return { folder, present, missing: files.filter((file) => !present.includes(file)) }
}

/** Copies a folder of tests to a place for temporary files, which is gone when this process ends. */
export const copyTests = (folder: string): string => {
  const copy = realpathSync(mkdtempSync(join(tmpdir(), "pagi-conformance-")))
  process.once("exit", () => rmSync(copy, { recursive: true, force: true }))
  cpSync(folder, join(copy, "test"), { recursive: true })
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"))
  return copy
}

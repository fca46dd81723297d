/** Variables of files: `.env` files, and folders of secrets with a file for each; loaded where there are some. */
import * as Effect from "effect/Effect"
import { statSync } from "node:fs"
import { join } from "node:path"
import { parseEnv } from "node:util"
import { UsageError } from "./ServerValues.ts"
import * as SourceFile from "./SourceFile.ts"

/** A variable, and the file that it is from. */
export interface FileVariable {
  readonly file: string
  readonly value: string
}

export type FileVariables = ReadonlyMap<string, FileVariable>

/** Reads `.env` files, as `node --env-file` does; a later one wins over those before it. */
export const ofEnvFiles = Effect.fnUntraced(function* (files: ReadonlyArray<string>) {
  const variables = new Map<string, FileVariable>()
  for (const file of files) {
    const text = yield* SourceFile.text(file)
    for (const [name, value = ""] of Object.entries(parseEnv(text))) variables.set(name, { file, value })
  }
  return yield* checked(variables)
})

/** How variables are called; other files of a folder, such as links of Kubernetes and certificates, are none. */
const variableName = /^[A-Za-z_][A-Za-z0-9_]*$/

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true

/** Reads folders of secrets, without the line end that editors leave; a later folder wins over those before it. */
export const ofFolders = Effect.fnUntraced(function* (folders: ReadonlyArray<string>) {
  const variables = new Map<string, FileVariable>()
  for (const folder of folders) {
    for (const name of (yield* SourceFile.names(folder)).filter((name) => variableName.test(name))) {
      const file = join(folder, name)
      if (isFolder(file)) continue
      variables.set(name, { file: folder, value: (yield* SourceFile.text(file)).replace(/\r?\n$/, "") })
    }
  }
  return yield* checked(variables)
})

/** Bytes of all variables, which workers are told in a variable of their own; Linux has room for 128 KiB in one. */
const maxTotal = 49_152

const checked = (variables: FileVariables): Effect.Effect<FileVariables, UsageError> => {
  let total = 0
  for (const [name, { file, value }] of variables) {
    if (value.includes("\0")) return Effect.fail(new UsageError({ message: `${file}: ${name} has a zero byte` }))
    total += Buffer.byteLength(JSON.stringify([name, value]))
  }
  return total <= maxTotal
    ? Effect.succeed(variables)
    : Effect.fail(new UsageError({ message: `variables of files come to ${total} bytes; at most ${maxTotal} can be` }))
}

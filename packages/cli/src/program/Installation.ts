/** Where the files of this package are: its sources, or what was made of them. */
import { extname, join } from "node:path"

const extension = extname(import.meta.filename)

/** The folder that the programs of this package are in; sources have rooms below it, a bundle has none. */
export const folder = extension === ".ts" ? join(import.meta.dirname, "..") : import.meta.dirname

/** The file of one of these programs. */
export const program = (name: "check" | "locate" | "worker"): string => join(folder, `${name}${extension}`)

/** What the package says of itself. */
export const manifest = join(folder, "../package.json")

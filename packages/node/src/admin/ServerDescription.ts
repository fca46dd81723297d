/** What a server says of itself that does not change: versions, and its options. */
import { differing, type Values } from "@pagi/core/options/ServerOptions"
import { readFileSync } from "node:fs"
import { dirname, join } from "node:path"

const ownName = /^@pagi\//

/** Of the next manifest above that is one of ours: all packages of the server have the same version. */
const version = (): string => {
  let folder = import.meta.dirname
  while (dirname(folder) !== folder) {
    folder = dirname(folder)
    try {
      const manifest: unknown = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"))
      const { name, version }: Readonly<Record<string, unknown>> = { ...Object(manifest) }
      if (typeof name === "string" && ownName.test(name) && typeof version === "string") return version
    } catch {
      // There is none here, or it is of somebody who has none of ours above.
    }
  }
  return "unknown"
}

/** The part of a `ServerStatus` that stays as it is. */
export const make = (options: Values) => ({
  version: version(),
  node: process.versions.node,
  options: differing(options)
})

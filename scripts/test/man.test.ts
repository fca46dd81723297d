import { definitions, flagName } from "@pagi/core/ServerOptions"
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { findProgram } from "../../test/support/FindProgram.ts"
import { root } from "../support/workspace.ts"

const groff = findProgram("groff")
const folder = join(root, "packages/cli")

describe("the manual page", () => {
  it("is the one that npm installs", () => {
    // A manifest with these fields.
    const { files, man } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Record<string, unknown>
    assert.deepStrictEqual(man, ["./man/pagi-server.1"])
    assert.include(files, "man")
  })

  it.skipIf(groff === undefined)("is formatted without a warning, and shows flags as they are typed", () => {
    const args = ["-man", "-ww", "-Tascii", "-P-cbou", "-rLL=300n", join(folder, "man/pagi-server.1")]
    const { status, stderr, stdout } = spawnSync(groff ?? "", args, { encoding: "utf8" })
    assert.deepStrictEqual([status, stderr], [0, ""])
    for (const [name, { alias, defaultValue }] of definitions) {
      const flag = `--${defaultValue === true ? "no-" : ""}${flagName(name)}`
      const short = alias === undefined ? "" : `-${alias}, `
      assert.match(stdout, new RegExp(`^ +${short}${flag}(?: |$)`, "m"))
    }
    for (const title of ["NAME", "SYNOPSIS", "COMMANDS", "OPTIONS", "SIGNALS", "EXIT STATUS", "EXAMPLES"]) {
      assert.match(stdout, new RegExp(`^${title}$`, "m"))
    }
    assert.match(stdout, /^ +128 \+ n$/m)
  })
})

/** Where a syntax error is that Node does not tell the place of: one of a module of JavaScript, to whoever imports it. */
import { spawnSync } from "node:child_process"
import * as Description from "../plan/Description.ts"
import * as Installation from "../program/Installation.ts"

/** A program of its own: to read modules without running them needs a flag that this process does not have. */
const program = Installation.program("locate")

const flags = ["--experimental-vm-modules", "--experimental-import-meta-resolve", "--no-warnings"]

/** Milliseconds after which the place stays unknown. */
const patience = 10_000

/** The place of the error of this message in a module or in what that imports. */
export const find = (entryUrl: string, message: string): Description.Place | undefined => {
  const { stderr } = spawnSync(process.execPath, [...flags, program, entryUrl, message], {
    encoding: "utf8",
    stdio: ["ignore", "ignore", "pipe"],
    timeout: patience
  })
  const place = /^file:.*:\d+$/m.exec(stderr)
  return place === null ? undefined : Description.firstPlaceIn(stderr.slice(place.index))
}

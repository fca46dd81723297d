/** A copy of the repository in which one mutant after another is tried. */
import { spawn, spawnSync } from "node:child_process"
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { capture } from "../support/run.ts"
import { publishedPackages, root } from "../support/workspace.ts"
import type { Mutant } from "./mutants.ts"

export interface Outcome {
  readonly state: "passed" | "failed" | "hung"
  readonly output: string
}

/** What git has or would take; a file that was deleted is still listed. */
const files = (): ReadonlyArray<string> =>
  capture("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: root })
    .split("\0")
    .filter((file) => file !== "" && existsSync(join(root, file)))

/** Packages find each other by relative links, which lead to the copy. */
const copyInto = (folder: string): void => {
  for (const file of new Set(files())) {
    const target = join(folder, file)
    mkdirSync(dirname(target), { recursive: true })
    copyFileSync(join(root, file), target)
  }
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"))
  for (const { folder: source } of publishedPackages) {
    const links = join(source, "node_modules")
    if (!existsSync(links)) continue
    cpSync(links, join(folder, links.slice(root.length)), { recursive: true, verbatimSymlinks: true })
  }
}

export class Sandbox {
  readonly #folder = mkdtempSync(join(tmpdir(), "pagi-mutation-"))

  constructor() {
    process.once("exit", () => rmSync(this.#folder, { recursive: true, force: true }))
    copyInto(this.#folder)
  }

  /** Runs a program of the workspace, which with all that it has started ends after a time. */
  run(command: string, args: ReadonlyArray<string>, limitMilliseconds: number): Promise<Outcome> {
    return new Promise((resolve) => {
      const environment = { ...process.env, NO_COLOR: "1", CI: "true", PAGI_TEST_SEED: "1" }
      const path = join(this.#folder, "node_modules/.bin", command)
      const child = spawn(path, args, { cwd: this.#folder, env: environment, detached: true })
      let output = ""
      let hasHung = false
      const read = (piece: Buffer): void => {
        output += piece.toString()
      }
      child.stdout.on("data", read)
      child.stderr.on("data", read)
      const endGroup = (): void => {
        // A group of its own, so that no program that a test has started outlives it.
        if (child.pid !== undefined) spawnSync("kill", ["-KILL", "--", `-${child.pid}`])
      }
      process.once("exit", endGroup)
      const timer = setTimeout(() => {
        hasHung = true
        endGroup()
      }, limitMilliseconds)
      child.once("exit", (code) => {
        clearTimeout(timer)
        process.off("exit", endGroup)
        endGroup()
        resolve({ state: hasHung ? "hung" : code === 0 ? "passed" : "failed", output })
      })
    })
  }

  async with<Value>(mutant: Mutant, use: () => Promise<Value>): Promise<Value> {
    const path = join(this.#folder, mutant.file)
    const original = readFileSync(path, "utf8")
    writeFileSync(path, original.slice(0, mutant.start) + mutant.replacement + original.slice(mutant.end))
    try {
      return await use()
    } finally {
      writeFileSync(path, original)
    }
  }

  /** Names of a package's test files that begin like the file does. */
  testsNamedAfter(mutant: Mutant): ReadonlyArray<string> {
    const name = mutant.file.slice(mutant.file.lastIndexOf("/") + 1, -".ts".length)
    const pattern = new RegExp(`^packages/${mutant.package}/test/(?!system/).*\\b${name}\\b[^/]*\\.test\\.ts$`)
    return files().filter((file) => pattern.test(file))
  }
}

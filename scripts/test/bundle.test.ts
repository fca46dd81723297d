import { assert, describe, it } from "vitest"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { bundleCommand } from "../support/bundle.ts"

/** What is needed for Effect's HTTP programs and for fetch handlers, and for nothing else. */
const forPrograms = /\/http\/Http(?:Effect|Router|Platform|Server)\.js$|\/core\/src\/(?:httpEffect|mount)\//
const forFetch = /\/core\/src\/fetch\/(?!fromFetch|FetchProblem)/

/** What is needed for single options alone. */
const forOptions =
  /\/core\/src\/server\/(?:Admission|Turn)\.ts$|\/process\/RequestAge\.ts$|\/cli\/src\/(?:completions|manual)\/|\/node\/src\/cluster\//

describe("the bundle of the command", () => {
  it("has Effect's HTTP, what fetch handlers need, and what single options do, in parts that nothing loads when it starts", async () => {
    const folder = mkdtempSync(join(tmpdir(), "pagi-bundle-"))
    try {
      const output = await bundleCommand(folder)
      const chunks = new Map(output.flatMap((part) => (part.type === "chunk" ? [[part.fileName, part]] : [])))
      const loadedWith = (fileName: string, found = new Set<string>()): ReadonlySet<string> => {
        const chunk = chunks.get(fileName)
        if (chunk === undefined || found.has(fileName)) return found
        found.add(fileName)
        for (const name of chunk.imports) loadedWith(name, found)
        return found
      }
      const modulesOf = (module: string): ReadonlyArray<string> => {
        const chunk = [...chunks.values()].find(({ facadeModuleId }) => facadeModuleId?.endsWith(module) === true)
        assert.isDefined(chunk, module)
        return [...loadedWith(chunk?.fileName ?? "")].flatMap((name) => chunks.get(name)?.moduleIds ?? [])
      }
      for (const start of ["/run/main.ts", "/run/WorkerMain.ts", "/run/supervisor.ts"]) {
        const modules = modulesOf(start)
        assert.isAbove(modules.length, 100, start)
        const late = modules.filter((id) => forPrograms.test(id) || forFetch.test(id) || forOptions.test(id))
        assert.deepStrictEqual(late, [], start)
      }
      // The tables of Unicode take 10 ms to read.
      for (const [fileName, { code }] of chunks) assert.notMatch(code, /new Intl\.Segmenter/, fileName)
      assert.isTrue([...chunks.values()].some(({ code }) => code.includes("new LateSegmenter")))
      // The patterns find what they are for.
      assert.isTrue(modulesOf("/application/EffectExport.ts").some((id) => forPrograms.test(id)))
      for (const late of [
        "/server/Turn.ts",
        "/process/RequestAge.ts",
        "/completions/CompletionScript.ts",
        "/cluster/ClusterKeeper.ts"
      ]) {
        assert.isTrue(
          modulesOf(late).some((id) => forOptions.test(id)),
          late
        )
      }
      assert.isTrue(modulesOf("/fetch/Prepared.ts").some((id) => forFetch.test(id)))
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

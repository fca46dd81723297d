import { fileURLToPath } from "node:url"
import { rolldown } from "rolldown"
import { candidateOf, type CandidateName, nghttpd } from "../candidates.ts"

/**
 * Every server of ours runs as one would ship it: one JavaScript file with its dependencies. From sources, Node's type stripper
 * and hundreds of modules would stay in the heap, where they make each garbage collection and the memory at rest larger.
 */
const folder = fileURLToPath(new URL("../results/servers", import.meta.url))

const nameOf = (server: string): string => server.replace(/\.ts$/, ".js")

export const bundlePath = (server: string): string => `${folder}/${nameOf(server)}`

/** Bundles the servers of these candidates, each on its own. */
export const bundleServers = async (candidates: ReadonlyArray<CandidateName>): Promise<void> => {
  for (const server of new Set(candidates.map((name) => candidateOf(name).server))) {
    if (server === nghttpd) continue
    const bundle = await rolldown({
      input: fileURLToPath(new URL(`../servers/${server}`, import.meta.url)),
      platform: "node",
      external: /^node:/,
      logLevel: "silent"
    })
    await bundle.write({ file: bundlePath(server), format: "esm", codeSplitting: false })
    await bundle.close()
  }
}

/** Programs of the repository as few files, with all that they import. */
import { join } from "node:path"
import { rolldown } from "rolldown"
import { copyWholePage } from "./page.ts"
import { joining, type Stages } from "./stages.ts"
import { root } from "./workspace.ts"

/** What a user starts, and what that starts: to have its command line checked, as a worker, to find a syntax error. */
const command = ["bin", "check", "worker", "locate"]

/** What the command loads at once: first what looks whether it can run, then what the command line asks for. */
const commandStages = {
  begin: ["bin", "locate"],
  health: ["status/HealthCommand"],
  start: ["run/start", "worker", "check"],
  launch: ["service/Launch"],
  serve: ["run/main", "status/ProcessStatus"],
  supervise: ["run/RunMode", "run/supervisor"],
  work: ["run/WorkerMain"]
}

/** What a library makes with its first line and no start needs: `effect/cli`, to lay out help, of which we have our own. */
const inject: Record<string, [string, string]> = {
  "Intl.Segmenter": [join(root, "scripts/support/lateSegmenter.ts"), "LateSegmenter"]
}

/** Bundles programs, each under its name, into a folder. What several of them import is in files named after the first. */
export const bundle = async (programs: Readonly<Record<string, string>>, folder: string, stages: Stages = {}) => {
  const { output, plugin } = joining(stages)
  const build = await rolldown({
    input: programs,
    platform: "node",
    external: /^node:/,
    logLevel: "warn",
    plugins: [plugin],
    transform: { inject },
    preserveEntrySignatures: "allow-extension"
  })
  try {
    const [first = ""] = Object.keys(programs)
    const comments = { legal: true, annotation: false, jsdoc: false }
    const format = { format: "esm", chunkFileNames: `${first}-[name].js`, comments } as const
    const written = await build.write({ dir: folder, ...format, ...output })
    return written.output
  } finally {
    await build.close()
  }
}

/**
 * A few files load in a third of the time of a few hundred, and sooner without the comments, which are half of their
 * text. The first one of each program turns on the compile cache for the rest, of which it loads what it needs: a
 * supervisor, for instance, nothing of what reads command lines. The page of the dashboard goes with them.
 */
export const bundleCommand = async (folder: string) => {
  const fileOf = (name: string) => join(root, `packages/cli/src/${name}.ts`)
  const programs = Object.fromEntries(command.map((name) => [name, fileOf(name)]))
  const stages = Object.fromEntries(Object.entries(commandStages).map(([name, modules]) => [name, modules.map(fileOf)]))
  const output = await bundle(programs, folder, stages)
  copyWholePage(join(folder, "page"))
  return output
}

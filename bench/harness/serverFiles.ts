import { readdirSync } from "node:fs"
import { isAbsolute, join } from "node:path"
import { fileURLToPath } from "node:url"
import { rolldown } from "rolldown"
import { installationFolder, type InstallationName } from "./installations.ts"

const sources = fileURLToPath(new URL("../servers", import.meta.url))

/** Where an installation has the server of this name. */
export const serverFile = (installation: InstallationName, name: string): string =>
  join(installationFolder(installation), `${name}.mjs`)

const isPackage = (module: string): boolean => !module.startsWith(".") && !isAbsolute(module)

/**
 * Puts every server into an installation, as a person would have written it in JavaScript: what is installed is
 * imported, and what the servers have in common is written out in each.
 */
export const writeServerFiles = async (installation: InstallationName): Promise<void> => {
  for (const file of readdirSync(sources).filter((name) => name.endsWith(".ts"))) {
    const bundle = await rolldown({
      input: join(sources, file),
      platform: "node",
      external: (module) => isPackage(module),
      logLevel: "silent"
    })
    const target = serverFile(installation, file.replace(/\.ts$/, ""))
    await bundle.write({ file: target, format: "esm", codeSplitting: false })
    await bundle.close()
  }
}

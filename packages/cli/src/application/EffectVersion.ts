/** Whether an application and the server have versions of Effect that can work together. */
import * as Effect from "effect/Effect"
import { hasProperty } from "effect/Predicate"
import ownPackage from "effect/package.json" with { type: "json" }
import * as fs from "node:fs/promises"
import { createRequire } from "node:module"
import { AppLoadError, EffectMismatch } from "./AppLoadError.ts"

const majorOf = (version: string): string => version.split(".", 1)[0] ?? version

/**
 * Fails when the module at this path would import another major version of Effect than the server has. A module whose
 * folder has no Effect needs none, or will say so itself when it is imported.
 *
 * @param own the server's version
 */
export const check = (path: string, own: string = ownPackage.version): Effect.Effect<void, AppLoadError> =>
  Effect.flatMap(
    Effect.promise(() => find(path).catch(() => undefined)),
    (found) => {
      if (found === undefined || found === own) return Effect.void
      if (majorOf(found) !== majorOf(own)) {
        return Effect.fail(new AppLoadError({ path, reason: new EffectMismatch({ found, own }) }))
      }
      return Effect.logDebug(`${path} has Effect ${found}, and the server ${own}`)
    }
  )

/** The version of Effect that a module at this path imports. */
const find = async (path: string): Promise<string | undefined> => {
  // Modules are looked for from where a link leads to, as Node does when it imports.
  const packagePath = createRequire(await fs.realpath(path)).resolve("effect/package.json")
  const content: unknown = JSON.parse(await fs.readFile(packagePath, "utf8"))
  return hasProperty(content, "version") && typeof content.version === "string" ? content.version : undefined
}

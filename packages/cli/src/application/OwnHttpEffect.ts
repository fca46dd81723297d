/** Effect's HTTP of an application whose Effect is another copy than the server's. */
import type { ToHandled } from "@pagi/core/httpEffect/HttpEffectHandler"
import * as Effect from "effect/Effect"
import { hasProperty } from "effect/Predicate"
import * as fs from "node:fs/promises"
import { createRequire } from "node:module"
import { pathToFileURL } from "node:url"

/**
 * `HttpEffect.toHandled` of the Effect that a module at this path imports; nothing if there is none to be found, as in a
 * module that has Effect inside.
 */
export const toHandledOf = (path: string): Effect.Effect<ToHandled | undefined> =>
  Effect.promise(() => load(path).catch(() => undefined))

const load = async (path: string): Promise<ToHandled | undefined> => {
  const file = createRequire(await fs.realpath(path)).resolve("effect/http/HttpEffect")
  const loaded: unknown = await import(pathToFileURL(file).href)
  return hasProperty(loaded, "toHandled") && isToHandled(loaded.toHandled) ? loaded.toHandled : undefined
}

/** Versions of one major number agree on what it takes and gives. */
const isToHandled = (value: unknown): value is ToHandled => typeof value === "function"

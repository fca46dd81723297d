/**
 * Removes the folders of pools that were killed as a whole, so that a machine or container in which that happens again and
 * again does not fill up with them.
 */
import * as Effect from "effect/Effect"
import { lstatSync, readdirSync, statSync } from "node:fs"
import { dirname, join } from "node:path"
import { probe } from "../listen/UnixSocket.ts"
import * as ClaimedFolder from "../process/ClaimedFolder.ts"
import * as PoolFolder from "../process/PoolFolder.ts"

/** Milliseconds that a folder is left alone: somebody may be about to listen in it. */
const youngest = 60_000

/** More are left for another time. */
const most = 32

/** Claims the folder for a worker; who makes it looks for those that have been left behind. */
export const claim = (folder: string): Effect.Effect<void, ClaimedFolder.PoolFolderError> =>
  Effect.flatMap(ClaimedFolder.claim(folder), (isNew) => (isNew ? beside(folder, Date.now()) : Effect.void))

/** Removes the folders beside this one in which nobody listens; nobody is told of what cannot be removed. */
export const beside = (folder: string, now: number): Effect.Effect<void> =>
  Effect.suspend(() => {
    const base = dirname(folder)
    const others = entriesOf(base)
      .map((name) => join(base, name))
      .filter((path) => path !== folder && isOld(path, now))
      .slice(0, most)
    return Effect.forEach(others, removeIfDead, { discard: true })
  })

const entriesOf = (folder: string): ReadonlyArray<string> => {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

const isOld = (path: string, now: number): boolean => {
  try {
    return PoolFolder.isName(path) && PoolFolder.isPrivate(path) && now - statSync(path).mtimeMs > youngest
  } catch {
    return false
  }
}

const removeIfDead = (folder: string): Effect.Effect<void> =>
  Effect.gen(function* () {
    const sockets = entriesOf(folder).filter((name) => lstatSync(join(folder, name)).isSocket())
    const alive = yield* Effect.forEach(sockets, (name) => isAlive(join(folder, name)))
    if (!alive.includes(true)) PoolFolder.remove(folder)
  }).pipe(Effect.ignoreCause)

/** Anything else than a refusal does not show that nobody listens. */
const isAlive = (path: string): Effect.Effect<boolean> => Effect.map(probe(path), (answer) => answer !== "ECONNREFUSED")

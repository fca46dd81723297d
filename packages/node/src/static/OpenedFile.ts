/**
 * Opening what a request asks for. A path can be changed between a look at it and its use, so nothing that is found out
 * about a path counts: it is opened first, and what is open is then asked where it lies and what it is.
 */
import { openFlags } from "../files/FileBody.ts"
import * as Effect from "effect/Effect"
import type { BigIntStats } from "node:fs"
import * as fs from "node:fs/promises"
import { join, relative, sep } from "node:path"
import { type FileFailure, fromSystem, NotShown } from "./FileError.ts"
import { isVisible } from "./TargetPath.ts"

/** A file or directory inside the root that is open for reading. */
export interface OpenedFile {
  readonly handle: fs.FileHandle
  readonly status: BigIntStats
  /** Where it lies, without symbolic links on the way. */
  readonly realPath: string
  /** A path that leads to what is open and to nothing else, where the system has such paths; the real path elsewhere. */
  readonly directPath: string
}

/**
 * Opens the file or directory and hands it to `use`; it is closed whatever happens.
 *
 * @param root the real path of the root
 * @param names the way from the root, each one visible
 */
export const use = <A, E, R>(
  root: string,
  names: ReadonlyArray<string>,
  use: (file: OpenedFile) => Effect.Effect<A, E, R>
): Effect.Effect<A, E | NotShown | FileFailure, R> => {
  const path = join(root, ...names)
  return Effect.andThen(
    refuseSpecial(path),
    Effect.acquireUseRelease(
      attempt(path, () => fs.open(path, openFlags)),
      (handle) => Effect.flatMap(inspect(root, path, handle), use),
      (handle) => Effect.ignore(attempt(path, () => handle.close()))
    )
  )
}

const attempt = <A>(path: string, operation: () => Promise<A>): Effect.Effect<A, NotShown | FileFailure> =>
  Effect.tryPromise({ try: operation, catch: fromSystem(path) })

/** A first look, because opening a device can already do something, such as rewind a tape. */
const refuseSpecial = (path: string): Effect.Effect<void, NotShown | FileFailure> =>
  Effect.flatMap(
    attempt(path, () => fs.stat(path)),
    (status) => (status.isFile() || status.isDirectory() ? Effect.void : Effect.fail(special(path)))
  )

const special = (path: string): NotShown =>
  new NotShown({ path, detail: "it is neither a regular file nor a directory" })

const inspect = Effect.fnUntraced(function* (root: string, path: string, handle: fs.FileHandle) {
  const status = yield* attempt(path, () => handle.stat({ bigint: true }))
  if (!status.isFile() && !status.isDirectory()) return yield* special(path)
  const place = yield* locate(path, handle, status)
  if (!isInside(root, place.realPath)) {
    return yield* new NotShown({ path, detail: `it leads to ${place.realPath}, which is hidden or outside ${root}` })
  }
  return { handle, status, ...place }
})

type Place = Pick<OpenedFile, "realPath" | "directPath">

/** Where there is a /proc, the kernel says what is open; elsewhere the real path must lead to the same file. */
const locate = (
  path: string,
  handle: fs.FileHandle,
  status: BigIntStats
): Effect.Effect<Place, NotShown | FileFailure> => {
  const directPath = `/proc/self/fd/${handle.fd}`
  return Effect.matchEffect(
    attempt(directPath, () => fs.readlink(directPath)),
    {
      onSuccess: (realPath) => Effect.succeed({ realPath, directPath }),
      onFailure: () => locateByPath(path, status)
    }
  )
}

/** @internal exported for its test */
export const locateByPath = Effect.fnUntraced(function* (path: string, status: BigIntStats) {
  const realPath = yield* attempt(path, () => fs.realpath(path))
  const found = yield* attempt(path, () => fs.lstat(realPath, { bigint: true }))
  if (found.dev === status.dev && found.ino === status.ino) return { realPath, directPath: realPath }
  return yield* new NotShown({ path, detail: "it was replaced while it was being opened" })
})

/** Whether a real path lies in the root, with no hidden file or directory on the way to it. */
export const isInside = (root: string, realPath: string): boolean =>
  realPath === root || relative(root, realPath).split(sep).every(isVisible)

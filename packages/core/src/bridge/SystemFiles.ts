/** The files of responses, through Effect's `FileSystem`. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import type { PlatformError } from "effect/PlatformError"
import * as Scope from "effect/Scope"
import { type FileBody, type FilePart, type FileSource, FileUnreadable } from "../contract/FileSource.ts"

/** Bytes that are read in one. */
const pieceSize = 65_536

const none = new Uint8Array(0)

const unreadable = (message: string) => Effect.fail(new FileUnreadable({ message }))

/** By the words of the system, which may have the path in them; they are for the application. */
const describe = ({ message }: PlatformError) => new FileUnreadable({ message })

const isAbsolute = (path: string): boolean => /^(?:[A-Za-z]:)?[/\\]/.test(path)

const open = (files: FileSystem.FileSystem, { file: path, length, offset }: FilePart) =>
  Effect.gen(function* () {
    if (typeof path !== "string") return yield* unreadable("only a file that is named by its path can be sent here")
    if (!isAbsolute(path)) return yield* unreadable("the path of a file must be absolute")
    // Before it is opened, which would wait for the writer of a FIFO.
    const info = yield* files.stat(path)
    if (info.type !== "File") return yield* unreadable("it is not a regular file")
    const available = Math.max(0, Number(info.size) - offset)
    let remaining = Math.min(available, length ?? available)
    const file = yield* files.open(path)
    yield* file.seek(BigInt(offset), "start")
    const next = Effect.map(
      Effect.suspend(() => file.readAlloc(Math.min(pieceSize, remaining))),
      (bytes) => {
        const piece = Option.getOrElse(bytes, () => none)
        remaining -= piece.length
        return piece
      }
    )
    const read = Effect.mapError(next, describe)
    const whole = remaining > pieceSize ? undefined : yield* readAll(read, remaining)
    return { length: whole?.length ?? remaining, whole, read, reclaim: () => {} }
  })

/** A file that has become shorter meanwhile is sent as far as it goes. */
const readAll = Effect.fnUntraced(function* (read: FileBody["read"], length: number) {
  const bytes = new Uint8Array(length)
  let at = 0
  while (at < length) {
    const piece = yield* read
    if (piece.length === 0) break
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes.subarray(0, at)
})

/** Files of a file system; those that an application has opened itself are not its. */
export const make = (files: FileSystem.FileSystem): FileSource => ({
  open: (part) =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const opened = open(files, part).pipe(
        Effect.catchTag("PlatformError", (error) => Effect.fail(describe(error))),
        Scope.provide(scope),
        Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
      )
      return { ...(yield* opened), close: Scope.close(scope, Exit.void) } satisfies FileBody
    })
})

const noFiles: FileSource = {
  open: () => unreadable("there are no files here; provide Effect's FileSystem, or the option `files`")
}

/** The files of the `FileSystem` that is there, if one is. */
export const current: Effect.Effect<FileSource> = Effect.map(
  Effect.serviceOption(FileSystem.FileSystem),
  Option.match({ onNone: () => noFiles, onSome: make })
)

import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** A file that an application has opened, in whatever way the server's platform does it. */
export type FileHandle = number | { readonly fd: number }

/** Which part of a file to send: by path, or one that the application has opened and keeps. */
export interface FilePart {
  readonly file: string | FileHandle
  /** The first byte. */
  readonly offset: number
  /** The most bytes to send; to the end of the file when absent. */
  readonly length: number | undefined
}

/** A file cannot be sent, for a reason in words. */
export class FileUnreadable extends Schema.TaggedError<FileUnreadable>()("FileUnreadable", {
  message: Schema.String
}) {}

/** An opened file, to be read from the front to the end of the part that was asked for. */
export interface FileBody {
  /** The bytes that are to be sent. */
  readonly length: number
  /** Everything, when it has been read already. */
  readonly whole: Uint8Array | undefined
  /**
   * The next piece; an empty one when the file is shorter than it was. A piece may be read ahead of being asked for, and
   * its memory is the caller's until `reclaim`.
   */
  readonly read: Effect.Effect<Uint8Array, FileUnreadable>
  /** Of all the pieces read so far, only the last `inUse` bytes are still needed; other memory may be used again. */
  readonly reclaim: (inUse: number) => void
  /** Lets go of the file; one that the application has opened stays open. */
  readonly close: Effect.Effect<void>
}

/** How a server gets at files. */
export interface FileSource {
  /** Runs uninterruptibly: what it opens must find its way to `close`. */
  readonly open: (part: FilePart) => Effect.Effect<FileBody, FileUnreadable>
}

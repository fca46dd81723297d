import * as Effect from "effect/Effect"
import { type FileBody, type FilePart, type FileSource, FileUnreadable } from "../contract/FileSource.ts"

/** How files are handed over; sizes in bytes. */
export interface MemoryFilesOptions {
  /** The most bytes that are handed over in one; 64 KiB by default. */
  readonly wholeSize?: number
  /** The size of the pieces of what is larger; 64 KiB by default. */
  readonly pieceSize?: number
}

/**
 * Files without a file system, for tests of applications, exchanges and drivers. The test changes them by `set`, also
 * while they are being sent, and sees that whatever was opened is closed.
 */
export class MemoryFiles implements FileSource {
  readonly #contents = new Map<string, Uint8Array>()
  readonly #wholeSize: number
  readonly #pieceSize: number
  /** Runs before a file is opened. */
  beforeOpen: Effect.Effect<void, FileUnreadable> = Effect.void
  /** Runs before each piece is read. */
  beforeRead: Effect.Effect<void, FileUnreadable> = Effect.void
  /** Files that were opened, and that were closed again. */
  opened = 0
  closed = 0
  /** Pieces that were read. */
  pieces = 0
  /** How many bytes were still needed each time that memory was given back. */
  readonly inUse: Array<number> = []

  constructor(files: Readonly<Record<string, string | Uint8Array>> = {}, options: MemoryFilesOptions = {}) {
    this.#wholeSize = options.wholeSize ?? 65_536
    this.#pieceSize = options.pieceSize ?? 65_536
    for (const [path, content] of Object.entries(files)) this.set(path, content)
  }

  /** Text is encoded as UTF-8. */
  set(path: string, content: string | Uint8Array): void {
    this.#contents.set(path, typeof content === "string" ? new TextEncoder().encode(content) : content)
  }

  readonly open = (part: FilePart): Effect.Effect<FileBody, FileUnreadable> =>
    Effect.flatMap(this.beforeOpen, () => {
      const content = typeof part.file === "string" ? this.#contents.get(part.file) : undefined
      if (content === undefined) return Effect.fail(new FileUnreadable({ message: "there is no such file" }))
      this.opened++
      return Effect.succeed(this.#body(part, String(part.file), content))
    })

  #body({ length, offset }: FilePart, path: string, content: Uint8Array): FileBody {
    const end = Math.min(content.length, offset + (length ?? content.length))
    const size = Math.max(0, end - offset)
    let position = offset
    return {
      length: size,
      whole: size <= this.#wholeSize ? content.slice(offset, end) : undefined,
      read: Effect.map(this.#beforeRead, () => {
        const piece = this.#contents.get(path)?.slice(position, Math.min(end, position + this.#pieceSize))
        position += piece?.length ?? 0
        this.pieces++
        return piece ?? new Uint8Array(0)
      }),
      reclaim: (inUse) => {
        this.inUse.push(inUse)
      },
      close: Effect.sync(() => {
        this.closed++
      })
    }
  }

  readonly #beforeRead = Effect.suspend(() => this.beforeRead)
}

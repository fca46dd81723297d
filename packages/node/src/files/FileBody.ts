/** The files of response bodies, by `node:fs`. */
import type { FileBody, FilePart, FileSource, FileUnreadable } from "@pagi/core/contract/FileSource"
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import { isAbsolute } from "node:path"
import { fromSystem, pathProblem, statusProblem } from "./FileProblem.ts"
import { FileReader } from "./FileReader.ts"
import { PiecePool } from "./PiecePool.ts"

/**
 * A FIFO would otherwise keep the opening waiting for a writer, and a terminal could become the server's own. Whether it
 * is one is known only afterwards.
 */
export const openFlags = fs.constants.O_RDONLY | fs.constants.O_NONBLOCK | fs.constants.O_NOCTTY

type Opening = Effect.Effect<FileBody, FileUnreadable>

/**
 * Makes the source of a server's files.
 *
 * @param syncThreshold the most bytes that are read without leaving the event loop. Of larger parts only the opening
 * happens there, other threads read them. With 0 the opening is theirs too, for file systems that can be slow
 */
export const make = (syncThreshold: number): FileSource => {
  const pool = new PiecePool()
  return {
    open: (part) => {
      const problem = typeof part.file === "string" ? pathProblem(part.file, isAbsolute(part.file)) : undefined
      if (problem !== undefined) return Effect.fail(problem)
      return syncThreshold > 0 ? Effect.suspend(() => openNow(part, syncThreshold, pool)) : openLater(part, pool)
    }
  }
}

/** How many bytes of the part there are. */
const measure = ({ file, length, offset }: FilePart, status: fs.Stats): number | FileUnreadable =>
  statusProblem(file, status) ?? Math.min(Math.max(0, status.size - offset), length ?? Number.POSITIVE_INFINITY)

const wholeBody = (whole: Uint8Array): FileBody => ({
  length: whole.length,
  whole,
  read: Effect.succeed(whole),
  reclaim: () => {},
  close: Effect.void
})

/** A file that is open and measured; `close` lets go of it. */
interface Opened {
  readonly part: FilePart
  readonly descriptor: number
  readonly length: number
  readonly close: Effect.Effect<void>
}

/** Begins to read. A failure of the first read is one of the opening: nothing has been sent yet. */
const beginReading = ({ close, descriptor, length, part }: Opened, pool: PiecePool): Opening => {
  const reader = new FileReader(part, descriptor, length, pool)
  const end = Effect.andThen(
    reader.settled,
    Effect.suspend(() => {
      reader.end()
      return close
    })
  )
  const body: FileBody = {
    length,
    whole: undefined,
    read: reader.next,
    reclaim: (inUse) => reader.reclaim(inUse),
    close: end
  }
  return Effect.flatMap(reader.settled, () => {
    const { problem } = reader
    return problem === undefined ? Effect.succeed(body) : Effect.andThen(end, Effect.fail(problem))
  })
}

// on the event loop ----------------------------------------------------------------------------------------------------

const openNow = (part: FilePart, syncThreshold: number, pool: PiecePool): Opening => {
  const { file } = part
  let close: Effect.Effect<void> = Effect.void
  try {
    const descriptor = typeof file === "string" ? fs.openSync(file, openFlags) : descriptorOf(file)
    if (typeof file === "string") close = Effect.ignore(Effect.try(() => fs.closeSync(descriptor)))
    const length = measure(part, fs.fstatSync(descriptor))
    if (typeof length !== "number") return Effect.andThen(close, Effect.fail(length))
    if (length > syncThreshold) return beginReading({ part, descriptor, length, close }, pool)
    return Effect.as(close, wholeBody(readNow(descriptor, part.offset, length)))
  } catch (error) {
    return Effect.andThen(close, Effect.fail(fromSystem(file, error)))
  }
}

const descriptorOf = (handle: Exclude<FilePart["file"], string>): number =>
  typeof handle === "number" ? handle : handle.fd

/** Answers what there is, should the file have become shorter since it was measured. */
const readNow = (descriptor: number, offset: number, length: number): Uint8Array => {
  const bytes = Buffer.allocUnsafe(length)
  let size = 0
  while (size < length) {
    const count = fs.readSync(descriptor, bytes, size, length - size, offset + size)
    if (count === 0) return bytes.subarray(0, size)
    size += count
  }
  return bytes
}

// in other threads -----------------------------------------------------------------------------------------------------

/** Runs a function of `node:fs` with its callback. It cannot be interrupted, since what it opens has to be closed. */
const call = <A>(
  file: FilePart["file"],
  run: (callback: (error: NodeJS.ErrnoException | null, value: A) => void) => void
): Effect.Effect<A, FileUnreadable> =>
  Effect.callback((resume) => {
    try {
      run((error, value) => resume(error === null ? Effect.succeed(value) : Effect.fail(fromSystem(file, error))))
    } catch (error) {
      // A descriptor that no file can have is not even tried.
      resume(Effect.fail(fromSystem(file, error)))
    }
  })

const openLater = (part: FilePart, pool: PiecePool): Opening => {
  const { file } = part
  if (typeof file !== "string") return measureLater(part, descriptorOf(file), Effect.void, pool)
  return Effect.flatMap(
    call<number>(file, (callback) => fs.open(file, openFlags, callback)),
    (descriptor) => {
      const close = Effect.callback<void>((resume) => fs.close(descriptor, () => resume(Effect.void)))
      return measureLater(part, descriptor, close, pool)
    }
  )
}

const measureLater = (part: FilePart, descriptor: number, close: Effect.Effect<void>, pool: PiecePool): Opening =>
  Effect.matchEffect(
    call<fs.Stats>(part.file, (callback) => fs.fstat(descriptor, callback)),
    {
      onFailure: (error) => Effect.andThen(close, Effect.fail(error)),
      onSuccess: (status) => {
        const length = measure(part, status)
        if (typeof length !== "number") return Effect.andThen(close, Effect.fail(length))
        if (length === 0) return Effect.as(close, wholeBody(new Uint8Array(0)))
        return beginReading({ part, descriptor, length, close }, pool)
      }
    }
  )

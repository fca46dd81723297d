import * as MessageLog from "@pagi/core/observe/accessLog/MessageLog"
import { compile, type CompiledFormat } from "@pagi/core/observe/accessLog/Format"
import type { ExchangeRecord, Observer } from "@pagi/core/observe/Observer"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as EffectScope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { accessSync, closeSync, constants, openSync, readlinkSync, statSync } from "node:fs"
import { dirname, resolve } from "node:path"
import { LineWriter, type LineWriterObserver } from "./LineWriter.ts"
import * as StandardOutput from "./StandardOutput.ts"

/** The access log cannot be opened. */
export class AccessLogError extends Schema.TaggedError<AccessLogError>()("AccessLogError", {
  path: Schema.String,
  code: Schema.String
}) {
  override get message(): string {
    return `cannot write the access log ${this.path}: ${reasons[this.code] ?? this.code}`
  }
}

const reasons: Readonly<Record<string, string>> = {
  // It would be made in a folder that exists.
  ENOENT: "its folder does not exist",
  ENOTDIR: "its folder is a file",
  EACCES: "this process may not write it",
  EISDIR: "it is a directory",
  ENOSPC: "the disk is full",
  // So the system answers when it is opened without waiting for a reader.
  ENXIO: "nobody reads the FIFO",
  EROFS: "the file system is read-only"
}

/** An access log whose file can be moved away. */
export interface AccessLogFile {
  /** Writes the lines. */
  readonly observer: Observer
  /**
   * Opens the file anew by its path, for a rotation that has moved it away. Has completed when all earlier lines are in
   * the old file and that is closed. When the new file cannot be opened the old one stays in use, and an error is logged.
   * Does nothing for standard output and standard error.
   */
  readonly reopen: Effect.Effect<void>
}

/** A file that is written to. */
interface Output {
  readonly writer: LineWriter<ExchangeRecord>
  /** Whether it is one of the process's own outputs, which has no path of its own to be opened by. */
  readonly isStandard: boolean
  /** Takes no further line; completes when the file has all of them and is closed. */
  readonly end: Effect.Effect<void>
}

/**
 * Opens the access log that the options name: `stdout`, `stderr`, `log`, `off`, or a file that is appended to. The format is one
 * that the options have accepted.
 */
export const open = (
  target: string,
  format: string
): Effect.Effect<AccessLogFile | undefined, AccessLogError, EffectScope.Scope> =>
  Effect.gen(function* () {
    if (target === "off") return undefined
    if (target === "log") return yield* inMessages
    const compiled = compile(format, process.pid)
    const report = Effect.runForkWith(yield* Effect.context())
    const openOutput = outputTo(target, compiled, {
      onError: (code) => report(Effect.logError(new AccessLogError({ path: target, code }).message)),
      onLoss: (count) => report(Effect.logError(`lines of the access log ${target} that were lost: ${count}`))
    })
    // One change at a time, so that the end of the scope also waits for a file that is being left.
    const changes = yield* Semaphore.make(1)
    const current = yield* Effect.acquireRelease(
      Effect.map(openOutput, (output) => ({ output, isOpen: true })),
      (state) =>
        changes.withPermit(
          Effect.suspend(() => {
            state.isOpen = false
            return state.output.end
          })
        )
    )
    const reopen = Effect.gen(function* () {
      if (!current.isOpen) return
      const { output } = current
      current.output = yield* openOutput
      yield* output.end
    }).pipe(Effect.catch((error) => Effect.logError(`${error.message}; the file that was open stays in use`)))
    return {
      observer: {
        usesFirstByte: compiled.usesFirstByte,
        usesResponseHeaders: compiled.usesResponseHeaders,
        exchangeEnded: (record) => current.output.writer.write(record)
      },
      reopen: current.output.isStandard ? Effect.void : Effect.uninterruptible(changes.withPermit(reopen))
    }
  })

/** Through the Logger, which has no file that could be opened anew. */
const inMessages = Effect.map(MessageLog.make, (observer) =>
  observer === undefined ? undefined : { observer, reopen: Effect.void }
)

const outputTo = (
  target: string,
  { write }: CompiledFormat,
  observer: LineWriterObserver
): Effect.Effect<Output, AccessLogError> =>
  Effect.suspend((): Effect.Effect<Output, AccessLogError> => {
    const standard = standardOutputOf(target)
    if (standard !== undefined) {
      const writer = new LineWriter(standard, write, observer, StandardOutput.writeOf(standard))
      return Effect.succeed({ writer, isStandard: true, end: writer.end })
    }
    return Effect.map(openFile(target), (descriptor) => {
      const writer = new LineWriter(descriptor, write, observer)
      const close = Effect.sync(() => closeSync(descriptor))
      return { writer, isStandard: false, end: Effect.andThen(writer.end, close) }
    })
  })

const standardNames: ReadonlyMap<string, number> = new Map([
  ["stdout", 1],
  ["/dev/stdout", 1],
  ["/dev/fd/1", 1],
  ["/proc/self/fd/1", 1],
  ["stderr", 2],
  ["/dev/stderr", 2],
  ["/dev/fd/2", 2],
  ["/proc/self/fd/2", 2]
])

/** Links that are followed, one to the next, in search of an output. */
const maxLinks = 8

/**
 * The descriptor of an output that the process has from its start, also by a link that leads to it. It is written to as
 * it is: a socket cannot be opened by such a path, and a pipe only by the user who has made it.
 */
const standardOutputOf = (target: string, links = maxLinks): number | undefined => {
  const named = standardNames.get(target)
  if (named !== undefined || links === 0) return named
  const link = linkedFrom(target)
  return link === undefined ? undefined : standardOutputOf(resolve(dirname(target), link), links - 1)
}

const linkedFrom = (path: string): string | undefined => {
  try {
    return readlinkSync(path)
  } catch {
    // It is no link, or is not there.
    return undefined
  }
}

/** Finds out whether the access log that the options name can be opened; makes no file, and opens none. */
export const check = (target: string): Effect.Effect<void, AccessLogError> =>
  target === "off" || target === "log" || standardOutputOf(target) !== undefined
    ? Effect.void
    : attempt(target, () => {
        const file = statSync(target, { throwIfNoEntry: false })
        if (file?.isDirectory() === true) throw Object.assign(new Error("no file"), { code: "EISDIR" })
        if (file === undefined) accessSync(dirname(target), constants.W_OK | constants.X_OK)
        else accessSync(target, constants.W_OK)
      })

const openFile = (path: string): Effect.Effect<number, AccessLogError> =>
  // Without O_NONBLOCK, opening a FIFO that nobody reads would stop the whole process.
  attempt(path, () =>
    openSync(path, constants.O_APPEND | constants.O_CREAT | constants.O_WRONLY | constants.O_NONBLOCK, 0o640)
  )

const attempt = <A>(path: string, run: () => A): Effect.Effect<A, AccessLogError> =>
  Effect.try({
    try: run,
    catch: (error) => new AccessLogError({ path, code: (error as NodeJS.ErrnoException).code ?? "" }) // node:fs throws nothing else
  })

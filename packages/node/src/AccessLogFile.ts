import { type AccessLog, type AccessRecord, formatCommon, LogTime } from "@pagi/core/AccessLog"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as EffectScope from "effect/Scope"
import { closeSync, openSync, write, writeSync } from "node:fs"

/** The access log cannot be opened. */
export class AccessLogError extends Schema.TaggedError<AccessLogError>()("AccessLogError", {
  path: Schema.String,
  code: Schema.String
}) {
  override get message(): string {
    return `cannot write the access log ${this.path}: ${this.code}`
  }
}

/** Lines that wait for the file system above this many bytes are written at once, so that none is lost nor hoarded. */
const pendingLimit = 1_048_576

/**
 * Writes lines to a file descriptor, all that came together in one turn of the event loop in one write, and one write at
 * a time.
 */
export class LineWriter {
  readonly #descriptor: number
  readonly #onError: (error: NodeJS.ErrnoException) => void
  #pending = ""
  #isWriting = false
  #isEnded = false
  #onIdle: (() => void) | undefined = undefined

  constructor(descriptor: number, onError: (error: NodeJS.ErrnoException) => void) {
    this.#descriptor = descriptor
    this.#onError = onError
  }

  /** Takes a line, unless the writer has ended: its descriptor may be another file's by then. */
  write(line: string): void {
    if (this.#isEnded) return
    if (this.#pending === "" && !this.#isWriting) setImmediate(this.#writePending)
    this.#pending += line
    if (this.#pending.length > pendingLimit) this.flushSync()
  }

  /** Writes what is pending before it returns. */
  flushSync(): void {
    const text = this.#pending
    this.#pending = ""
    try {
      let rest = Buffer.from(text)
      while (rest.length > 0) rest = rest.subarray(writeSync(this.#descriptor, rest))
    } catch (error) {
      this.#onError(error as NodeJS.ErrnoException) // node:fs throws nothing else
    }
  }

  /** Takes no further line and waits until the system has everything, so that the descriptor can be closed. */
  readonly end: Effect.Effect<void> = Effect.callback((resume) => {
    this.#isEnded = true
    if (this.#isWriting) {
      this.#onIdle = () => resume(Effect.void)
      return
    }
    this.flushSync()
    resume(Effect.void)
  })

  readonly #writePending = (): void => {
    if (this.#isWriting) return
    if (this.#pending === "") return this.#onIdle?.()
    const bytes = Buffer.from(this.#pending)
    this.#pending = ""
    this.#isWriting = true
    this.#writeAll(bytes)
  }

  #writeAll(bytes: Buffer): void {
    write(this.#descriptor, bytes, (error, written) => {
      if (error === null && written < bytes.length) return this.#writeAll(bytes.subarray(written))
      if (error !== null) this.#onError(error)
      this.#isWriting = false
      this.#writePending()
    })
  }
}

class FileAccessLog implements AccessLog {
  readonly #writer: LineWriter
  readonly #time = new LogTime()

  constructor(writer: LineWriter) {
    this.#writer = writer
  }

  record(record: AccessRecord): void {
    this.#writer.write(formatCommon(this.#time, record))
  }
}

/** Opens the access log that the option names: `stderr`, `off`, or a file that is appended to. */
export const open = (target: string): Effect.Effect<AccessLog | undefined, AccessLogError, EffectScope.Scope> =>
  Effect.gen(function* () {
    if (target === "off") return undefined
    const descriptor = target === "stderr" ? 2 : yield* openFile(target)
    const context = yield* Effect.context()
    const report = Effect.runForkWith(context)
    let isReported = false
    const writer = new LineWriter(descriptor, (error) => {
      // Once: a full disk would otherwise fill the other log too.
      if (!isReported) report(Effect.logError(new AccessLogError({ path: target, code: error.code ?? "" }).message))
      isReported = true
    })
    yield* Effect.addFinalizer(() => writer.end)
    return new FileAccessLog(writer)
  })

const openFile = (path: string): Effect.Effect<number, AccessLogError, EffectScope.Scope> =>
  Effect.acquireRelease(
    Effect.try({
      try: () => openSync(path, "a", 0o640),
      catch: (error) => new AccessLogError({ path, code: (error as NodeJS.ErrnoException).code ?? "" }) // as above
    }),
    (descriptor) => Effect.sync(() => closeSync(descriptor))
  )

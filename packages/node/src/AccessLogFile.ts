import { type AccessLog, type AccessRecord, formatCommon, LogTime } from "@pagi/core/AccessLog"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as EffectScope from "effect/Scope"
import { closeSync, constants, openSync } from "node:fs"
import { LineWriter } from "./LineWriter.ts"

/** The access log cannot be opened. */
export class AccessLogError extends Schema.TaggedError<AccessLogError>()("AccessLogError", {
  path: Schema.String,
  code: Schema.String
}) {
  override get message(): string {
    return `cannot write the access log ${this.path}: ${this.code}`
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
    const report = Effect.runForkWith(yield* Effect.context())
    const writer = new LineWriter(descriptor, {
      onError: (code) => report(Effect.logError(new AccessLogError({ path: target, code }).message)),
      onLoss: (count) => report(Effect.logError(`lines of the access log ${target} that were lost: ${count}`))
    })
    yield* Effect.addFinalizer(() => writer.end)
    return new FileAccessLog(writer)
  })

const openFile = (path: string): Effect.Effect<number, AccessLogError, EffectScope.Scope> =>
  Effect.acquireRelease(
    Effect.try({
      // Without O_NONBLOCK, opening a FIFO that nobody reads would stop the whole process.
      try: () =>
        openSync(path, constants.O_APPEND | constants.O_CREAT | constants.O_WRONLY | constants.O_NONBLOCK, 0o640),
      catch: (error) => new AccessLogError({ path, code: (error as NodeJS.ErrnoException).code ?? "" }) // node:fs throws nothing else
    }),
    (descriptor) => Effect.sync(() => closeSync(descriptor))
  )

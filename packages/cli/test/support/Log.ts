import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import { PassThrough } from "node:stream"
import { type LogSource, type LogStream, plain, type WriteMessage } from "../../src/program/LogFormats.ts"

const ofProcess: LogSource = { pid: 4711, worker: undefined }

/** No terminal, so that there are no colours. */
const pipe = new PassThrough() as unknown as LogStream // As far as formats look at it.

/** The lines that `program` logs, in a format. */
export const collecting = <E, R>(
  program: Effect.Effect<unknown, E, R>,
  write: WriteMessage = plain,
  source = ofProcess
): Effect.Effect<ReadonlyArray<string>, E, R> =>
  Effect.suspend(() => {
    const lines: Array<string> = []
    const collect = Logger.make((options) => void lines.push(write(options, source, pipe)))
    return Effect.as(Effect.provide(program, Logger.layer([collect])), lines)
  })

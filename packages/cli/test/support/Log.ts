import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import { format } from "../../src/program/ConsoleLog.ts"

/** The lines that `program` logs. */
export const collecting = <E, R>(program: Effect.Effect<unknown, E, R>): Effect.Effect<ReadonlyArray<string>, E, R> =>
  Effect.suspend(() => {
    const lines: Array<string> = []
    const collect = Logger.map(format, (text) => void lines.push(text))
    return Effect.as(Effect.provide(program, Logger.layer([collect])), lines)
  })

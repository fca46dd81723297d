/** How the command writes its log: in which format, and to which of its outputs. */
import type { Values } from "@pagi/core/options/ServerOptions"
import * as StandardOutput from "@pagi/node/accessLog/StandardOutput"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type { LogLevel } from "effect/LogLevel"
import * as LogFormats from "./LogFormats.ts"

/** The formats that can be asked for. */
const formats = {
  plain: LogFormats.plain,
  pretty: LogFormats.pretty,
  logfmt: LogFormats.logfmt,
  json: LogFormats.json
} as const

/** The name of a format. */
export type FormatName = keyof typeof formats

/** The format that somebody has asked for; without one a terminal gets `pretty`, and everything else `plain`. */
class Chosen extends Context.Service<Chosen, { name: FormatName | undefined }>()("@pagi/cli/ConsoleLog/Chosen") {}

/** Whether a level's messages go to standard error. */
const isForErrors = (level: LogLevel): boolean => level === "Fatal" || level === "Error" || level === "Warn"

const streamOf = (level: LogLevel): LogFormats.LogStream => (isForErrors(level) ? process.stderr : process.stdout)

/** A logger that writes lines in the format that is chosen by then. */
const lines = (chosen: Chosen["Service"], source: LogFormats.LogSource): Logger.Logger<unknown, string> =>
  Logger.make((options) => {
    const stream = streamOf(options.logLevel)
    const write = formats[chosen.name ?? (stream.isTTY ? "pretty" : "plain")]
    return write(options, source, stream)
  })

/**
 * Makes lines about what was lost of an output, in this format. An output that loses messages is no terminal, and has the
 * `plain` one unless another is asked for.
 */
export const noticeBy =
  (formatName: () => FormatName | undefined, source: LogFormats.LogSource): StandardOutput.NoticeFormat =>
  (text, name) =>
    Effect.runSync(
      Effect.withFiber((fiber) => {
        const write = formats[formatName() ?? "plain"]
        const options = { cause: Cause.empty, date: new Date(), fiber, logLevel: "Warn", message: [text] } as const
        return Effect.succeed(write(options, source, process[name]))
      })
    )

/** What is special about the log of a process among others. */
export interface Options {
  /** Which worker it is, if it is one. */
  readonly worker?: number | undefined
  /** Gets the lines too. */
  readonly copyTo?: ((line: string, stream: "stdout" | "stderr") => void) | undefined
}

/** Information goes to standard output, warnings and errors to standard error. */
export const layerWith = ({ copyTo, worker }: Options): Layer.Layer<Chosen> => {
  const chosen: Chosen["Service"] = { name: undefined }
  const source = { pid: process.pid, worker }
  const written = lines(chosen, source)
  const console = Logger.withLeveledConsole(written)
  const copy = Logger.make<unknown, void>((options) =>
    copyTo?.(written.log(options), isForErrors(options.logLevel) ? "stderr" : "stdout")
  )
  const ofChosen = Layer.sync(Chosen, () => {
    StandardOutput.formatNoticesBy(noticeBy(() => chosen.name, source))
    return chosen
  })
  return Layer.merge(Logger.layer(copyTo === undefined ? [console] : [console, copy]), ofChosen)
}

export const layer: Layer.Layer<Chosen> = layerWith({})

/** The options that say how messages are written. */
type Wish = Pick<Values, "logFormat" | "mode">

/** The format of messages that the options ask for; in development they are for a person, wherever they go. */
export const formatOf = ({ logFormat, mode }: Wish): FormatName | undefined =>
  logFormat ?? (mode === "development" ? "pretty" : undefined)

/** Uses the format that the options ask for from now on, for all that the process writes. */
export const use = (options: Wish): Effect.Effect<void, never, Chosen> =>
  Effect.map(Chosen, (chosen) => {
    chosen.name = formatOf(options)
  })

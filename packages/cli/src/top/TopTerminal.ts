/** The terminal that `pagi-server top` draws on: its second screen, which goes away with it. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { ReadStream, WriteStream } from "node:tty"

const begin = "\u001b[?1049h\u001b[?25l\u001b[?7l"
const end = "\u001b[?7h\u001b[?25h\u001b[?1049l"

/** Terminals that know it show everything between the two at once; the others ignore it. */
const frame = (lines: ReadonlyArray<string>): string => {
  // What stood in a line is cleared behind its new text, never before it: so nothing flickers.
  const text = lines.map((line) => `${line}\u001b[K`).join("\r\n")
  return `\u001b[?2026h\u001b[H${text}\u001b[J\u001b[?2026l`
}

export interface TopTerminal {
  readonly draw: (lines: ReadonlyArray<string>) => void
  /** Completes when somebody presses q or Ctrl-C. */
  readonly isQuit: Effect.Effect<void>
  /** Completes when the terminal has another size. */
  readonly isResized: Effect.Effect<void>
}

/** In this mode of the terminal Ctrl-C is a key like others. */
const quitKeys = ["q", "Q", "\u0003"]

/** Takes the terminal, and gives it back as it was when the scope closes. */
export const open = (input: ReadStream, output: WriteStream): Effect.Effect<TopTerminal, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      output.write(begin)
      if (input.isTTY) input.setRawMode(true)
    }),
    () =>
      Effect.sync(() => {
        if (input.isTTY) input.setRawMode(false)
        input.pause()
        output.write(end)
      })
  ).pipe(
    Effect.as({
      draw: (lines: ReadonlyArray<string>) => {
        // Whoever does not read, as over a slow line, gets the next one.
        if (!output.writableNeedDrain) output.write(frame(lines))
      },
      isQuit: Effect.callback<void>((resume) => {
        if (!input.isTTY) return undefined
        const look = (bytes: Buffer): void => {
          const text = bytes.toString("latin1")
          if (quitKeys.some((key) => text.includes(key))) resume(Effect.void)
        }
        input.on("data", look)
        return Effect.sync(() => input.off("data", look))
      }),
      isResized: Effect.callback<void>((resume) => {
        const look = (): void => resume(Effect.void)
        output.once("resize", look)
        return Effect.sync(() => output.off("resize", look))
      })
    })
  )

/** Somebody who watches who is in a room, and comes back when the event stream has ended. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

const pause = 100

class ClusterChatWatcher {
  /** The list of names that has come last, as JSON; empty while there is no stream. */
  names = ""
  readonly #url: string
  readonly #aborter = new AbortController()

  constructor(port: number, room: string) {
    this.#url = `http://127.0.0.1:${port}/rooms/${room}/members`
    void this.#watch()
  }

  close(): void {
    this.#aborter.abort()
  }

  async #watch(): Promise<void> {
    const { signal } = this.#aborter
    while (!signal.aborted) {
      try {
        const { body } = await fetch(this.#url, { headers: { accept: "text/event-stream" }, signal })
        let text = ""
        for await (const part of body?.pipeThrough(new TextDecoderStream()) ?? []) {
          text += part
          const end = text.lastIndexOf("\n\n")
          this.names = [...text.slice(0, Math.max(end, 0)).matchAll(/^data: (.*)$/gm)].at(-1)?.[1] ?? this.names
          if (end >= 0) text = text.slice(end + 2)
        }
      } catch {
        // The server is gone, or not there yet.
      }
      this.names = ""
      await new Promise((resolve) => void setTimeout(resolve, pause))
    }
  }
}

export type { ClusterChatWatcher }

/** Watches a room at a port until the scope closes. */
export const watchRoom = (port: number, room: string): Effect.Effect<ClusterChatWatcher, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => new ClusterChatWatcher(port, room)),
    (watcher) => Effect.sync(() => watcher.close())
  )

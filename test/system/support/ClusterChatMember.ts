/** A member of the cluster chat who does what its page does: comes back, asks for what was missed, repeats what was not heard. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

export interface Heard {
  readonly id: string
  readonly key: string | undefined
  readonly text: string
}

/** Milliseconds until a lost connection is made again, the least that the page takes. */
const pause = 250

export class ClusterChatMember {
  readonly room: string
  readonly name: string
  /** Everything that has come, in its order, and whatever came twice. */
  readonly heard: Array<Heard> = []
  /** The servers that this member has come to, one after the other. */
  readonly servers: Array<string> = []
  /** The keys of all that was said. */
  readonly said: Array<string> = []
  readonly #port: number
  readonly #unconfirmed = new Map<string, string>()
  #socket: WebSocket | undefined
  #isGone = false

  constructor(port: number, room: string, name: string) {
    this.#port = port
    this.room = room
    this.name = name
    this.#open()
  }

  /** Which server this is; nothing while there is no connection. */
  get server(): string | undefined {
    return this.#socket?.readyState === WebSocket.OPEN ? this.servers.at(-1) : undefined
  }

  /** Whether everything that was said has come back. */
  get isConfirmed(): boolean {
    return this.#unconfirmed.size === 0
  }

  say(text: string): void {
    const key = `${this.name}-${this.said.length}`
    this.said.push(key)
    this.#unconfirmed.set(key, text)
    if (this.server !== undefined) this.#send(key, text)
  }

  /** Does not come back when the connection is lost. */
  stay(): void {
    this.#isGone = true
  }

  leave(): void {
    this.stay()
    this.#socket?.close()
  }

  #send(key: string, text: string): void {
    this.#socket?.send(JSON.stringify({ type: "say", key, text }))
  }

  #open(): void {
    if (this.#isGone) return
    const last = this.heard.at(-1)
    const query = new URLSearchParams({ name: this.name, ...(last === undefined ? {} : { after: last.id }) })
    const socket = new WebSocket(`ws://127.0.0.1:${this.#port}/rooms/${this.room}?${query}`)
    this.#socket = socket
    socket.addEventListener("message", ({ data }) => this.#hear(JSON.parse(String(data))))
    socket.addEventListener("close", () => setTimeout(() => this.#open(), pause))
  }

  #hear(message: Heard & { readonly type: string; readonly server: string }): void {
    if (message.type === "welcome") {
      this.servers.push(message.server)
      for (const [key, text] of this.#unconfirmed) this.#send(key, text)
    }
    if (message.type !== "said") return
    this.heard.push({ id: message.id, key: message.key, text: message.text })
    this.#unconfirmed.delete(message.key ?? "")
  }
}

/** Lets somebody come in, until the scope closes. */
export const comeIn = (
  port: number,
  room: string,
  name: string
): Effect.Effect<ClusterChatMember, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => new ClusterChatMember(port, room, name)),
    (member) => Effect.sync(() => member.leave())
  )

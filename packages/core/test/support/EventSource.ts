/** An event as a client dispatches it. */
export interface ReceivedEvent {
  readonly type: string
  readonly data: string
  readonly lastEventId: string
}

/**
 * A client's side of event streams, written from the HTML standard (§9.2.5 and §9.2.6) and from nothing else: decodes
 * the bytes, splits them into lines, and dispatches events.
 */
export class EventSourceParser {
  readonly events: Array<ReceivedEvent> = []
  readonly comments: Array<string> = []
  retry: number | undefined = undefined
  lastEventId = ""
  // Strips one leading byte order mark, as the standard asks for.
  readonly #decoder = new TextDecoder("utf-8")
  #rest = ""
  #data = ""
  #type = ""

  /** The next bytes of the stream, cut anywhere. */
  push(bytes: Uint8Array): this {
    this.#rest += this.#decoder.decode(bytes, { stream: true })
    for (;;) {
      const end = /\r\n|\n|\r/.exec(this.#rest)
      // A CR at the end may be the first half of a CR LF.
      if (end === null || (end[0] === "\r" && end.index === this.#rest.length - 1)) return this
      this.#line(this.#rest.slice(0, end.index))
      this.#rest = this.#rest.slice(end.index + end[0].length)
    }
  }

  #line(line: string): void {
    if (line === "") return this.#dispatch()
    const colon = line.indexOf(":")
    if (colon === 0) {
      this.comments.push(line.slice(1))
      return
    }
    if (colon === -1) return this.#field(line, "")
    const value = line.slice(colon + 1)
    this.#field(line.slice(0, colon), value.startsWith(" ") ? value.slice(1) : value)
  }

  #field(name: string, value: string): void {
    if (name === "event") this.#type = value
    else if (name === "data") this.#data += `${value}\n`
    else if (name === "id" && !value.includes("\0")) this.lastEventId = value
    else if (name === "retry" && /^[0-9]+$/.test(value)) this.retry = Number(value)
  }

  #dispatch(): void {
    const { lastEventId } = this
    if (this.#data !== "") {
      this.events.push({ type: this.#type === "" ? "message" : this.#type, data: this.#data.slice(0, -1), lastEventId })
    }
    this.#data = ""
    this.#type = ""
  }
}

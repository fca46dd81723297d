/** Takes an event stream apart (HTML standard, "Server-sent events"), as far as the admin listener's have parts. */

/** Characters of an event beyond which it is left out. */
const maxLength = 1024 * 1024

export class EventBlocks {
  readonly #onEvent: (event: string, data: string) => void
  #rest = ""
  #event = ""
  #data: Array<string> = []

  constructor(onEvent: (event: string, data: string) => void) {
    this.#onEvent = onEvent
  }

  /** Takes what has come, wherever it was cut. */
  push(text: string): void {
    const lines = `${this.#rest}${text}`.split("\n")
    this.#rest = lines.pop() ?? ""
    if (this.#rest.length > maxLength) this.#rest = ""
    for (const line of lines) this.#line(line.endsWith("\r") ? line.slice(0, -1) : line)
  }

  #line(line: string): void {
    if (line === "") return this.#end()
    const [, name = "", value = ""] = /^([^:]*):? ?(.*)$/.exec(line) ?? []
    if (name === "event") this.#event = value
    if (name === "data") this.#data.push(value)
  }

  #end(): void {
    if (this.#data.length > 0) this.#onEvent(this.#event, this.#data.join("\n"))
    this.#event = ""
    this.#data = []
  }
}

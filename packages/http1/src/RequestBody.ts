import type { HttpRequestEvent } from "@pagi/core/contract/Event"
import type { Connection } from "./protocol/Connection.ts"
import type { ProtocolError } from "./protocol/ProtocolError.ts"

const endOfBody: HttpRequestEvent = { type: "http.request", body: new Uint8Array(0), more: false }

/** The bodies of a connection's requests, one after the other, as the applications receive them. */
export class RequestBody {
  readonly #machine: Connection
  #isEndTaken = false

  constructor(machine: Connection) {
    this.#machine = machine
  }

  /** Goes on to the body of the next request. */
  restart(): void {
    this.#isEndTaken = false
  }

  /** The next piece; `undefined` when there is none yet or the body is over. */
  next(): HttpRequestEvent | ProtocolError | undefined {
    if (this.#machine.bodyIsComplete) return this.#takeEnd()
    const event = this.#machine.next()
    switch (event.type) {
      case "body":
        return { type: "http.request", body: event.bytes, more: !this.#wasLastPiece() }
      case "end":
        return this.#takeEnd()
      case "error":
        return event
      default:
        return undefined
    }
  }

  /** The event that ends the body; it is given once. */
  #takeEnd(): HttpRequestEvent | undefined {
    if (this.#isEndTaken) return undefined
    this.#isEndTaken = true
    return endOfBody
  }

  /** Whether nothing can follow the piece just read, as is known when the body's length is. */
  #wasLastPiece(): boolean {
    if (this.#machine.bodyRemaining !== 0) return false
    this.#machine.next()
    this.#isEndTaken = true
    return true
  }
}

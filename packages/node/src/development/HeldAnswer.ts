/**
 * An empty response with status 500, which is kept back until it is known why. Effect's HTTP server sends one for a
 * program that fails, and only then fails itself.
 *
 *     open ──an empty 500──► held ──it failed──► given up, for a page in its place
 *       │                      └──anything else, or time──► released
 *       └──any other response──► released
 */
import type { HttpSendEvent } from "@pagi/core/contract/Event"
import type { Send } from "@pagi/core/contract/PagiApp"
import { RequestAround } from "@pagi/core/contract/RequestAround"
import type { SendError } from "@pagi/core/contract/SendError"
import type { HeaderBlock } from "@pagi/core/http/HeaderBlock"
import * as Effect from "effect/Effect"

/** Milliseconds after which a response goes out whose application goes on. */
const patience = 50

type Start = Extract<HttpSendEvent, { readonly type: "http.response.start" }>

const isPlain500 = ({ headers = [], status, trailers }: Start): boolean =>
  status === 500 && trailers !== true && headers.every(([name]) => name.toLowerCase() !== "content-type")

const isEmptyEnd = (event: HttpSendEvent): boolean =>
  event.type === "http.response.body" &&
  event.more !== true &&
  !("file" in event || "fh" in event) &&
  (event.body === undefined || event.body.length === 0)

/** What is kept back of the events of a response. */
export class HeldEvents {
  readonly #send: Send<HttpSendEvent>
  readonly #fork: (effect: Effect.Effect<unknown>) => unknown
  #held: Array<HttpSendEvent> = []
  #timer: NodeJS.Timeout | undefined = undefined

  /** `fork` runs what nobody waits for. */
  constructor(send: Send<HttpSendEvent>, fork: (effect: Effect.Effect<unknown>) => unknown) {
    this.#send = send
    this.#fork = fork
  }

  /** Whether something is kept back. */
  get isHolding(): boolean {
    return this.#held.length > 0
  }

  /** In place of the exchange's own `send`. */
  readonly send: Send<HttpSendEvent> = (event) => {
    if (this.#held.length === 0) {
      return event.type === "http.response.start" && isPlain500(event) ? this.#hold(event) : this.#send(event)
    }
    if (this.#held.length === 1 && isEmptyEnd(event)) return this.#hold(event)
    return Effect.andThen(this.release, this.#send(event))
  }

  #hold(event: HttpSendEvent): Effect.Effect<void> {
    return Effect.sync(() => {
      this.#held.push(event)
      this.#timer ??= setTimeout(() => this.#fork(Effect.ignore(this.release)), patience)
    })
  }

  /** Forgets what is kept back. */
  giveUp(): ReadonlyArray<HttpSendEvent> {
    const held = this.#held
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#held = []
    return held
  }

  /** Sends what is kept back. */
  readonly release: Effect.Effect<void, SendError> = Effect.suspend(() =>
    Effect.forEach(this.giveUp(), (event) => this.#send(event), { discard: true })
  )
}

/** A native request whose empty 500 is kept back. */
export class HeldRequest extends RequestAround {
  #headers: HeaderBlock | undefined = undefined
  #timer: NodeJS.Timeout | undefined = undefined
  /** Whether a response has begun, or is kept back. */
  hasBegun = false

  get isHolding(): boolean {
    return this.#headers !== undefined
  }

  override respond(status: number, headers: HeaderBlock, content: string | Uint8Array): string | undefined {
    if (this.isHolding) this.release()
    if (status === 500 && content.length === 0 && !this.hasBegun) {
      this.hasBegun = true
      this.#headers = headers
      this.#timer = setTimeout(() => this.release(), patience)
      return undefined
    }
    const problem = this.request.respond(status, headers, content)
    if (problem === undefined) this.hasBegun = true
    return problem
  }

  /** Forgets what is kept back; answers whether there was something. */
  giveUp(): HeaderBlock | undefined {
    const headers = this.#headers
    clearTimeout(this.#timer)
    this.#headers = undefined
    return headers
  }

  /** Sends what is kept back; answers why that cannot be sent. */
  release(): string | undefined {
    const headers = this.giveUp()
    return headers === undefined ? undefined : this.request.respond(500, headers, "")
  }

  override get send(): Send<HttpSendEvent> {
    const { send } = this.request
    return (event) => {
      if (this.isHolding) this.release()
      if (event.type === "http.response.start") this.hasBegun = true
      return send(event)
    }
  }
}

import type * as Effect from "effect/Effect"
import type { HttpReceiveEvent } from "../../src/Event.ts"
import { type Ending, HttpExchange, type HttpExchangeHost } from "../../src/Exchange/Http.ts"
import type { HeaderBlock } from "../../src/HeaderBlock.ts"

export interface FakeHostOptions {
  readonly highWaterMark?: number
  readonly lowWaterMark?: number
  readonly fullFlush?: boolean
}

/** A driver that writes down what it is asked for, and hands out what `input` holds. */
export class FakeHost implements HttpExchangeHost {
  readonly exchange: HttpExchange
  /** Every call of the exchange, in order. */
  readonly calls: Array<ReadonlyArray<unknown>> = []
  readonly logged: Array<Effect.Effect<void>> = []
  readonly input: Array<HttpReceiveEvent> = []
  bufferedAmount = 0
  /** What every call of the sink answers. */
  problem: string | undefined = undefined
  /** Runs on the next `pullBody`, before it answers. */
  onPull: (() => void) | undefined = undefined

  constructor({ highWaterMark = 100, lowWaterMark = 20, fullFlush = true }: FakeHostOptions = {}) {
    const log = (effect: Effect.Effect<void>) => void this.logged.push(effect)
    this.exchange = new HttpExchange(this, { highWaterMark, lowWaterMark, fullFlush, log })
  }

  /** A piece of the request body arrives. */
  push(body: string, more = true): void {
    this.input.push({ type: "http.request", body: new TextEncoder().encode(body), more })
    this.exchange.readable()
  }

  /** The peer reads until this much is left. */
  drainTo(amount: number): void {
    this.bufferedAmount = amount
    this.exchange.writeBuffer.update()
  }

  pullBody(): HttpReceiveEvent | undefined {
    const { onPull } = this
    this.onPull = undefined
    onPull?.()
    return this.input.shift()
  }

  informational(status: number, headers: HeaderBlock): string | undefined {
    return this.#answer("informational", status, headers)
  }

  start(status: number, headers: HeaderBlock, trailers: boolean): string | undefined {
    return this.#answer("start", status, headers, trailers)
  }

  body(data: string | Uint8Array, last: boolean): string | undefined {
    if (this.problem === undefined) this.bufferedAmount += data.length
    return this.#answer("body", data, last)
  }

  trailers(headers: HeaderBlock): string | undefined {
    return this.#answer("trailers", headers)
  }

  flush(): undefined {
    this.#answer("flush")
  }

  onApplicationEnd(ending: Ending): void {
    this.calls.push(["end", ending])
  }

  #answer(...call: ReadonlyArray<unknown>): string | undefined {
    if (this.problem === undefined) this.calls.push(call)
    return this.problem
  }
}

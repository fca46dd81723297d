import * as Effect from "effect/Effect"
import { Deadlines } from "../../src/server/Deadlines.ts"
import type { DisconnectReason } from "../../src/contract/DisconnectReason.ts"
import type { HttpRequestEvent } from "../../src/contract/Event.ts"
import { HttpExchange } from "../../src/exchange/Http.ts"
import type { Ending, ExchangeOptions } from "../../src/exchange/Exchange.ts"
import type { ExchangeHost } from "../../src/exchange/RequestExchange.ts"
import { SseExchange } from "../../src/exchange/Sse.ts"
import { type FileSource, FileUnreadable } from "../../src/contract/FileSource.ts"
import type { HeaderBlock } from "../../src/http/HeaderBlock.ts"
import type { ResponseSink } from "../../src/exchange/ResponseSink.ts"
import { ManualClock } from "./ManualClock.ts"

export interface FakeHostOptions {
  readonly highWaterMark?: number
  readonly lowWaterMark?: number
  readonly fullFlush?: boolean
  readonly files?: FileSource
  readonly deadlines?: Deadlines
  readonly sseIdleTicks?: number
}

const noFiles: FileSource = { open: () => Effect.fail(new FileUnreadable({ message: "there are no files" })) }

/** A wheel that nobody turns. */
const standing = (): Deadlines => new Deadlines(new ManualClock())

/** What the exchanges of a server share; whatever they log is only kept. */
export const fakeOptions = (options: FakeHostOptions, logged: Array<Effect.Effect<void>>): ExchangeOptions => ({
  highWaterMark: 100,
  lowWaterMark: 20,
  fullFlush: true,
  log: (effect) => void logged.push(effect),
  observer: undefined,
  files: noFiles,
  deadlines: standing(),
  graceTicks: 50,
  sseIdleTicks: 0,
  servesEventStreams: true,
  servesWebSockets: true,
  ...options
})

/** A driver that writes down what it is asked for, and hands out what `input` holds. */
export class FakeDriver<Exchange extends HttpExchange | SseExchange> implements ExchangeHost, ResponseSink {
  readonly exchange: Exchange
  readonly response: ResponseSink = this
  /** Every call of the exchange, in order. */
  readonly calls: Array<ReadonlyArray<unknown>> = []
  readonly logged: Array<Effect.Effect<void>> = []
  readonly input: Array<HttpRequestEvent> = []
  bufferedAmount = 0
  carriesBody = true
  /** Whether a start can be taken back. */
  isHeadHeld = false
  /** What every call of the sink answers. */
  problem: string | undefined = undefined
  /** Runs on the next `pullBody`, before it answers. */
  onPull: (() => void) | undefined = undefined

  constructor(make: (host: ExchangeHost, options: ExchangeOptions) => Exchange, options: FakeHostOptions = {}) {
    this.exchange = make(this, fakeOptions(options, this.logged))
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

  pullBody(): HttpRequestEvent | undefined {
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

  body(data: string | Uint8Array, ends: boolean): string | undefined {
    if (this.problem === undefined) this.bufferedAmount += data.length
    return this.#answer("body", data, ends)
  }

  trailers(headers: HeaderBlock): string | undefined {
    return this.#answer("trailers", headers)
  }

  flush(): undefined {
    this.#answer("flush")
  }

  withdraw(): boolean {
    return this.isHeadHeld && this.#answer("withdraw") === undefined
  }

  announceBody(length: number, ends: boolean): string | undefined {
    return this.#answer("announce", length, ends)
  }

  onApplicationEnd(ending: Ending): void {
    this.calls.push(["end", ending])
  }

  endResponse(reason: DisconnectReason): void {
    this.calls.push(["endResponse", reason])
    this.exchange.disconnect(reason)
  }

  breakOff(problem: string): void {
    this.calls.push(["breakOff", problem])
    this.exchange.disconnect("server_error")
  }

  #answer(...call: ReadonlyArray<unknown>): string | undefined {
    if (this.problem === undefined) this.calls.push(call)
    return this.problem
  }
}

/** The driver of an ordinary request. */
export class FakeHost extends FakeDriver<HttpExchange> {
  constructor(options: FakeHostOptions = {}) {
    super((host, exchange) => new HttpExchange(host, exchange), options)
  }
}

/** The driver of a request for an event stream. */
export class FakeSseHost extends FakeDriver<SseExchange> {
  constructor(options: FakeHostOptions = {}) {
    super((host, exchange) => new SseExchange(host, exchange), options)
  }
}

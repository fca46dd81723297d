import type { SharedMessage } from "../../src/contract/DirectSend.ts"
import type { Ending } from "../../src/exchange/Exchange.ts"
import {
  type WebSocketChannel,
  WebSocketExchange,
  type WebSocketHost,
  type WebSocketMessage
} from "../../src/exchange/WebSocket.ts"
import type * as Effect from "effect/Effect"
import type { HeaderBlock } from "../../src/http/HeaderBlock.ts"
import type { ResponseSink } from "../../src/exchange/ResponseSink.ts"
import { type FakeHostOptions, fakeOptions } from "./FakeHost.ts"

/** An open session that writes down what it is asked for. */
export class FakeChannel implements WebSocketChannel {
  readonly #calls: Array<ReadonlyArray<unknown>>
  bufferedAmount = 0
  /** Messages that the application has taken. */
  taken = 0
  /** What the next `close` answers. */
  closeProblem: string | undefined = undefined
  onBegin: (() => void) | undefined = undefined
  onTaken: () => void = () => void this.taken++

  constructor(calls: Array<ReadonlyArray<unknown>>) {
    this.#calls = calls
  }

  begin(): void {
    this.#calls.push(["begin"])
    this.onBegin?.()
  }

  send(message: WebSocketMessage): void {
    this.bufferedAmount += message.length
    this.#calls.push(["send", message])
  }

  sendShared({ event }: SharedMessage): void {
    this.bufferedAmount += event.type === "websocket.send" ? (event.text ?? event.bytes).length : 0
    this.#calls.push(["sendShared", event])
  }

  close(code: number, reason: string): string | undefined {
    const problem = this.closeProblem
    this.closeProblem = undefined
    if (problem === undefined) this.#calls.push(["close", code, reason])
    return problem
  }

  keepAlive(intervalTicks: number, timeoutTicks: number): undefined {
    this.#calls.push(["keepAlive", intervalTicks, timeoutTicks])
  }

  onApplicationEnd(): void {
    this.#calls.push(["channel end"])
  }
}

/** A driver with a handshake that waits for the application; it writes down what it is asked for. */
export class FakeWebSocketHost implements WebSocketHost, ResponseSink {
  readonly exchange: WebSocketExchange
  readonly response: ResponseSink = this
  /** Every call of the exchange, of the host and of the channel, in order. */
  readonly calls: Array<ReadonlyArray<unknown>> = []
  readonly logged: Array<Effect.Effect<void>> = []
  readonly channel = new FakeChannel(this.calls)
  readonly carriesBody = true
  bufferedAmount = 0
  /** What calls answer while it is set. */
  problem: string | undefined = undefined

  constructor(subprotocols: ReadonlyArray<string> = [], options: FakeHostOptions = {}) {
    this.exchange = new WebSocketExchange(this, fakeOptions(options, this.logged), subprotocols)
  }

  /** The peer reads until this much of the session is left. */
  drainTo(amount: number): void {
    this.channel.bufferedAmount = amount
    this.exchange.writeBuffer.update()
  }

  acceptWebSocket(subprotocol: string | undefined, headers: HeaderBlock): WebSocketChannel | string {
    return this.#answer("accept", subprotocol, headers) ?? this.channel
  }

  start(status: number, headers: HeaderBlock, trailers: boolean): string | undefined {
    return this.#answer("start", status, headers, trailers)
  }

  body(data: string | Uint8Array, ends: boolean): string | undefined {
    if (this.problem === undefined) this.bufferedAmount += data.length
    return this.#answer("body", data, ends)
  }

  informational(): string | undefined {
    return this.#answer("informational")
  }

  trailers(): string | undefined {
    return this.#answer("trailers")
  }

  withdraw(): boolean {
    return false
  }

  announceBody(): string | undefined {
    return this.#answer("announceBody")
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

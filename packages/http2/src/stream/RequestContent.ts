import type { HttpRequestEvent } from "@pagi/core/contract/Event"
import { Fifo } from "@pagi/core/bytes/Fifo"
import type { Data } from "../protocol/Event.ts"
import type { Stream } from "../protocol/streams/Stream.ts"
import type { ConnectedRequest, RequestConnection } from "./RequestConnection.ts"

const endOfContent: HttpRequestEvent = { type: "http.request", body: new Uint8Array(0), more: false }

/** Pieces below this size that have to wait are gathered, since each by itself would cost more than it holds. */
const smallPiece = 1024

/** Memory for those that are gathered. */
const gatheredSize = 4096

/** Content that waits: the first `length` bytes of `memory`. */
interface Waiting {
  readonly memory: Uint8Array
  length: number
  /** What it takes of the windows. */
  flowLength: number
}

/** A request's content on its way to the application, which the peer may send more of as it is taken (RFC 9113 §5.2). */
export class RequestContent {
  readonly #connection: RequestConnection
  readonly #stream: Stream<ConnectedRequest>
  /** What comes next, and what is behind it, which there seldom is. */
  #first: Waiting | undefined = undefined
  #others: Fifo<Waiting> | undefined = undefined
  #isEndTaken = false
  /** As much of what waits, from the first byte on, as takes nothing of the connection's window. */
  #ahead = 0
  /** Bytes that have come, without padding. */
  received = 0

  constructor(connection: RequestConnection, stream: Stream<ConnectedRequest>) {
    this.#connection = connection
    this.#stream = stream
  }

  /** Keeps what has come. `isAhead` leaves the connection's window to others, for what comes before anybody takes of it. */
  add({ bytes, flowLength }: Data<ConnectedRequest>, isAhead = false): void {
    const { length } = bytes
    this.received += length
    if (isAhead && length > 0) this.#giveAhead(flowLength)
    const last = this.#others?.last ?? this.#first
    if (length === 0) this.#giveBack(flowLength)
    else if (last !== undefined && last.memory.length - last.length >= length) {
      last.memory.set(bytes, last.length)
      last.length += length
      last.flowLength += flowLength
    } else if (last !== undefined && length < smallPiece) {
      const memory = new Uint8Array(gatheredSize)
      memory.set(bytes)
      this.#push({ memory, length, flowLength })
    } else this.#push({ memory: bytes, length, flowLength })
  }

  #push(piece: Waiting): void {
    if (this.#first === undefined) this.#first = piece
    else (this.#others ??= new Fifo()).push(piece)
  }

  /** The next piece; `undefined` when there is none yet, or the end has been taken. */
  next(): HttpRequestEvent | undefined {
    const body = this.take()
    if (body === undefined) {
      if (this.#isEndTaken || !this.#stream.isRemoteClosed) return undefined
      this.#isEndTaken = true
      return endOfContent
    }
    const more = !this.#stream.isRemoteClosed || this.#first !== undefined
    if (!more) this.#isEndTaken = true
    return { type: "http.request", body, more }
  }

  /** The next bytes; `undefined` when there are none. */
  take(): Uint8Array | undefined {
    const piece = this.#first
    if (piece === undefined) return undefined
    this.#first = this.#others?.shift()
    const { flowLength, length, memory } = piece
    this.#giveBack(flowLength)
    return length === memory.length ? memory : memory.subarray(0, length)
  }

  #giveAhead(length: number): void {
    const { machine, transport } = this.#connection
    this.#ahead += length
    machine.consumeAhead(length)
    if (machine.hasOutput) transport.scheduleFlush()
  }

  #giveBack(length: number): void {
    const { machine, transport } = this.#connection
    const ahead = Math.min(this.#ahead, length)
    this.#ahead -= ahead
    machine.consume(this.#stream, length, ahead)
    if (machine.hasOutput) transport.scheduleFlush()
  }

  /** Nobody will take what has come. */
  discard(): void {
    while (this.take() !== undefined);
  }
}

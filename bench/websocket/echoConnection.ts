import { connect, type Socket } from "node:net"
import { clientFrame, describeFrame, type MessageKind, payloadOf, serverFrame } from "./frames.ts"
import { type Handshake, makeHandshake } from "./handshake.ts"
import type { Latencies } from "../harness/latencies.ts"

/**
 * What every connection sends and expects, made once. A connection has as many different messages as may be in flight
 * and sends them in turn, so its echoes repeat too, and what arrives can be compared with them byte for byte.
 */
export interface Traffic {
  readonly inFlight: number
  readonly echoLength: number
  /** The echoes of one turn, twice, so that a turn can be read from any place in the first. */
  readonly echoes: Buffer
  /** `bursts[first][count - 1]` holds so many frames from the first on. */
  readonly bursts: ReadonlyArray<ReadonlyArray<Buffer>>
}

export const makeTraffic = (kind: MessageKind, messageBytes: number, inFlight: number): Traffic => {
  const numbers = Array.from({ length: inFlight }, (_, number) => number)
  const payloads = numbers.map((number) => payloadOf(kind, messageBytes, number))
  const echoes = payloads.map((payload) => serverFrame(kind, payload))
  const frames = payloads.map((payload) => clientFrame(kind, payload))
  const frameLength = frames[0]?.length ?? 0
  const twice = Buffer.concat([...frames, ...frames])
  return {
    inFlight,
    echoLength: echoes[0]?.length ?? 0,
    echoes: Buffer.concat([...echoes, ...echoes]),
    bursts: numbers.map((first) =>
      numbers.map((count) => twice.subarray(first * frameLength, (first + count + 1) * frameLength))
    )
  }
}

/** What all connections of a run have come to. */
export interface Tally {
  messages: number
  readonly latencies: Latencies
  /** How often each problem occurred. */
  readonly problems: Map<string, number>
}

/** Keeps the same number of messages on their way: what one read completes is sent again with one write. */
export class EchoConnection {
  readonly #traffic: Traffic
  readonly #tally: Tally
  readonly #socket: Socket
  readonly #sentAt: Float64Array
  readonly #opened = Promise.withResolvers<void>()
  readonly #handshake: Handshake
  #head = ""
  #isOpen = false
  #isSending = false
  #hasEnded = false
  /** Within a turn of echoes. */
  #position = 0
  #owedBytes = 0

  /** The memory for reads is shared by all connections, since each read is dealt with at once. */
  constructor(port: number, traffic: Traffic, tally: Tally, readBuffer: Buffer) {
    this.#traffic = traffic
    this.#tally = tally
    this.#sentAt = new Float64Array(traffic.inFlight)
    this.#handshake = makeHandshake(port)
    const callback = (length: number, bytes: Uint8Array): boolean => {
      this.#onRead(bytes, length)
      return true
    }
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true, onread: { buffer: readBuffer, callback } })
    this.#socket.on("connect", () => this.#socket.write(this.#handshake.request))
    this.#socket.on("error", (error) => this.#fail(error.message))
    this.#socket.on("close", () => this.#fail("closed by the server"))
  }

  /** Resolves after the handshake, or after what kept it from succeeding. */
  get opened(): Promise<void> {
    return this.#opened.promise
  }

  get owesEchoes(): boolean {
    return this.#owedBytes > 0 && !this.#hasEnded
  }

  start(): void {
    if (this.#hasEnded) return
    if (!this.#isOpen) return this.#fail("no answer to the handshake")
    this.#isSending = true
    this.#send(0, this.#traffic.inFlight, performance.now())
  }

  /** What is on its way still comes back. */
  stop(): void {
    this.#isSending = false
  }

  end(): void {
    if (this.owesEchoes) this.#fail("echoes that never came")
    this.#hasEnded = true
    this.#socket.destroy()
  }

  #onRead(bytes: Uint8Array, length: number): void {
    if (this.#hasEnded) return
    if (this.#isOpen) this.#onEchoes(bytes, length)
    else this.#onHead(Buffer.from(bytes.buffer, bytes.byteOffset, length).toString("latin1"))
  }

  #onHead(text: string): void {
    this.#head += text
    const end = this.#head.indexOf("\r\n\r\n")
    if (end === -1) return
    const problem = this.#handshake.problemWith(this.#head.slice(0, end))
    if (problem !== undefined) return this.#fail(problem)
    if (this.#head.length > end + 4) return this.#fail("bytes after the handshake that nobody asked for")
    this.#isOpen = true
    this.#opened.resolve()
  }

  #onEchoes(bytes: Uint8Array, length: number): void {
    const { echoLength, echoes, inFlight } = this.#traffic
    const from = this.#position
    const to = from + length
    if (length > this.#owedBytes || echoes.compare(bytes, 0, length, from, to) !== 0) {
      return this.#fail(this.#describeMismatch(bytes, length))
    }
    const first = Math.floor(from / echoLength)
    const count = Math.floor(to / echoLength) - first
    this.#owedBytes -= length
    this.#position = to % (inFlight * echoLength)
    if (count === 0) return
    const now = performance.now()
    for (let number = first; number < first + count; number++) {
      this.#tally.latencies.record(now - (this.#sentAt[number % inFlight] ?? 0))
    }
    this.#tally.messages += count
    if (this.#isSending) this.#send(first, count, now)
  }

  #send(first: number, count: number, now: number): void {
    const { bursts, echoLength, inFlight } = this.#traffic
    const burst = bursts[first]?.[count - 1]
    if (burst === undefined) return
    this.#socket.write(burst)
    this.#owedBytes += count * echoLength
    for (let number = first; number < first + count; number++) this.#sentAt[number % inFlight] = now
  }

  #describeMismatch(bytes: Uint8Array, length: number): string {
    const { echoLength, echoes } = this.#traffic
    const known = Math.min(length, this.#owedBytes)
    let equal = 0
    while (equal < known && bytes[equal] === echoes[this.#position + equal]) equal += 1
    const inFrame = (this.#position + equal) % echoLength
    if (inFrame > 0) return `wrong bytes ${inFrame} bytes after the beginning of an echo`
    return describeFrame(Buffer.from(bytes.buffer, bytes.byteOffset + equal, length - equal))
  }

  #fail(problem: string): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#tally.problems.set(problem, (this.#tally.problems.get(problem) ?? 0) + 1)
    this.#opened.resolve()
    this.#socket.destroy()
  }
}

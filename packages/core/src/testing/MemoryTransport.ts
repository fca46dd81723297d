import { copyBytes, fromBytes, toBytes } from "../bytes/ByteString.ts"
import type { DisconnectReason } from "../contract/DisconnectReason.ts"
import type { TlsExtension } from "../contract/TlsExtension.ts"
import type { Address } from "../contract/Address.ts"
import type { Transport, TransportHandler } from "../transport/Transport.ts"

/** What the driver finds out about the connection, and how much of its bytes the peer takes unread. */
export interface MemoryTransportOptions {
  /** `["127.0.0.1", 54321]` by default, `undefined` as on a Unix socket. */
  readonly client?: Address | undefined
  /** `["127.0.0.1", 5000]` by default. */
  readonly server?: Address | undefined
  readonly secure?: boolean
  readonly tls?: TlsExtension
  readonly expectedHost?: string
  /** Bytes that the "operating system" takes before the peer has to read; without limit by default. */
  readonly capacity?: number
  /** Whether what the peer sends is only lent to the driver, as most reads of a socket are; true by default. */
  readonly lends?: boolean
}

/**
 * A transport without a socket, for tests of drivers: the test is the peer. What the driver wrote is read with `read` or
 * `text`; what the peer sends goes in with `push`. Everything happens on the caller's stack, except where a socket would
 * act in a later turn too: the flush at the end of a turn that no `push` began, data that waited for `resume`, and
 * `onClose` are microtasks.
 */
export class MemoryTransport implements Transport {
  readonly client: Address | undefined
  readonly server: Address | undefined
  readonly secure: boolean
  readonly tls: TlsExtension | undefined
  readonly expectedHost: string | undefined
  /** How the driver ended the connection, if it did: `ended` and `closed` come behind the last byte. */
  ending: "open" | "ended" | "closed" | "destroyed" | "reset" = "open"
  isPaused = false
  isBlocked = false
  /** How many times gathered data went out. */
  writes = 0
  readonly #capacity: number
  readonly #lends: boolean
  #handler: TransportHandler | undefined = undefined
  #gathered = ""
  /** What the "operating system" has not taken. */
  #waiting = ""
  #delivered = ""
  #unread: Array<Uint8Array> = []
  #isFlushScheduled = false
  #isInTurn = false
  #isEnding = false
  #isClosing = false
  #isPeerEnded = false
  #isPeerEndTold = false
  #isClosed = false
  #hasTakenSome = false

  constructor(options: MemoryTransportOptions = {}) {
    this.client = "client" in options ? options.client : ["127.0.0.1", 54321]
    this.server = "server" in options ? options.server : ["127.0.0.1", 5000]
    this.secure = options.secure ?? options.tls !== undefined
    this.tls = options.tls
    this.expectedHost = options.expectedHost
    this.#capacity = options.capacity ?? Number.POSITIVE_INFINITY
    this.#lends = options.lends ?? true
  }

  // the driver's side ------------------------------------------------------------------------------------------------

  get bufferedAmount(): number {
    return this.#gathered.length + this.#waiting.length
  }

  tookSome(): boolean {
    const hasTakenSome = this.#hasTakenSome
    this.#hasTakenSome = false
    return hasTakenSome
  }

  open(handler: TransportHandler): void {
    this.#handler = handler
  }

  write(data: string | Uint8Array): void {
    if (this.#isClosed || this.#isEnding) return
    this.#gathered += typeof data === "string" ? data : fromBytes(data, 0, data.length)
    this.scheduleFlush()
  }

  scheduleFlush(): void {
    if (this.#isFlushScheduled) return
    this.#isFlushScheduled = true
    if (!this.#isInTurn) queueMicrotask(() => this.#endTurn())
  }

  flush(): void {
    this.#handler?.onFlush()
    this.#send()
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
    queueMicrotask(() => this.#deliver())
  }

  end(): void {
    if (this.#isClosed) return
    this.#isEnding = true
    this.#send()
  }

  close(): void {
    this.#isClosing = true
    this.end()
  }

  truncate(): void {
    this.close()
  }

  destroy(): void {
    this.#send()
    this.#close("destroyed")
  }

  reset(): void {
    this.#close("reset")
  }

  // the peer's side --------------------------------------------------------------------------------------------------

  /** The peer sends bytes; a string is a byte string. While the driver has paused, they wait. */
  push(data: string | Uint8Array): void {
    if (this.#isClosed || this.#isPeerEnded) return
    this.#unread.push(typeof data === "string" ? toBytes(data) : copyBytes(data, 0, data.length))
    this.#deliver()
  }

  /** The peer closes its side; the driver learns of it behind the last byte. */
  pushEnd(): void {
    this.#isPeerEnded = true
    this.#deliver()
  }

  /** The connection breaks; without a reason, in a way that looks like a close. */
  fail(reason?: DisconnectReason): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#handler?.onClose(reason)
  }

  /** Everything that has reached the peer and was not read, as a byte string. */
  get text(): string {
    return this.#delivered
  }

  /** Bytes pushed that the driver has not taken because it paused. */
  get unreadLength(): number {
    return this.#unread.reduce((sum, bytes) => sum + bytes.length, 0)
  }

  /** The peer reads what has reached it, which makes room for more. */
  read(): string {
    const text = this.#delivered
    this.#delivered = ""
    if (this.isBlocked) {
      this.isBlocked = false
      this.#send()
      this.#handler?.onDrain()
    }
    return text
  }

  /** The peer reads so many bytes, and the "operating system" takes as many, but not all that waits. */
  readSome(length: number): string {
    const text = this.#delivered.slice(0, length)
    this.#delivered = this.#delivered.slice(length) + this.#waiting.slice(0, length)
    this.#waiting = this.#waiting.slice(length)
    this.#hasTakenSome = true
    return text
  }

  // ------------------------------------------------------------------------------------------------------------------

  #deliver(): void {
    if (this.#isInTurn) return
    while (!this.isPaused && !this.#isClosed && !this.#isPeerEndTold) {
      const bytes = this.#unread.shift()
      if (bytes === undefined && !this.#isPeerEnded) return
      this.#isInTurn = true
      if (bytes === undefined) this.#tellPeerEnd()
      else this.#hand(bytes)
      this.#isInTurn = false
      if (this.#isFlushScheduled) this.#endTurn()
    }
  }

  /** A socket uses lent memory for the next read, so a driver that kept it would find something else there. */
  #hand(bytes: Uint8Array): void {
    this.#handler?.onData(bytes, this.#lends)
    if (this.#lends) bytes.fill(0xee)
  }

  #tellPeerEnd(): void {
    this.#isPeerEndTold = true
    this.#handler?.onEnd()
    this.#closeWhenBothEnded()
  }

  #endTurn(): void {
    this.#isFlushScheduled = false
    if (!this.#isClosed) this.flush()
  }

  #send(): void {
    if (this.#isClosed) return
    if (this.#gathered.length > 0) this.writes++
    this.#waiting += this.#gathered
    this.#gathered = ""
    const room = Math.max(0, this.#capacity - this.#delivered.length)
    this.#delivered += this.#waiting.slice(0, room)
    this.#waiting = this.#waiting.slice(room)
    if (this.#waiting.length > 0) {
      if (this.isBlocked) return
      this.isBlocked = true
      this.#hasTakenSome = false
      this.#handler?.onBlocked()
    } else if (this.#isClosing) this.#close("closed")
    else if (this.#isEnding) {
      this.ending = "ended"
      this.#closeWhenBothEnded()
    }
  }

  #closeWhenBothEnded(): void {
    if (this.ending === "ended" && this.#isPeerEndTold) this.#close(undefined)
  }

  #close(ending: "closed" | "destroyed" | "reset" | undefined): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#gathered = ""
    this.#waiting = ""
    if (ending !== undefined) this.ending = ending
    queueMicrotask(() => this.#handler?.onClose(undefined))
  }
}

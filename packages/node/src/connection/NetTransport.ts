import { ByteQueue, goneMessage } from "@pagi/core/bytes/ByteQueue"
import { type ByteString, fromBytes } from "@pagi/core/bytes/ByteString"
import type { DisconnectReason } from "@pagi/core/contract/DisconnectReason"
import type { TlsExtension } from "@pagi/core/contract/TlsExtension"
import type { Address } from "@pagi/core/contract/Address"
import type { Transport, TransportHandler } from "@pagi/core/transport/Transport"
import * as Effect from "effect/Effect"
import type { Socket } from "node:net"
import { type AcceptedSocket, type Reader, readPastStream } from "../listen/SharedRead.ts"
import type { TlsConnection } from "../tls/TlsConnection.ts"
import { writePast } from "./HandleWriter.ts"
import type { TurnQueue, TurnTask } from "./TurnQueue.ts"
import { queuedBytes } from "./WriteQueue.ts"
import { type TurnShare, writeTurns, type WritingTask } from "./WriteTurns.ts"

/** Arrays up to this size are gathered into the text around them: copying is cheaper than a second buffer to write. */
const gatherLimit = 4096

/** Gathered bytes that are written without waiting for the end of the turn, unless the driver has another limit. */
const defaultGatherLimit = 65_536

/** What is handed to the socket at once: little for a slow peer, whose progress is to be seen, much for a fast one. */
const smallestBatch = 131_072
const largestBatch = 2_097_152

/** What every system takes at once of a connection's first bytes. */
const firstWriteLimit = 4096

/** Milliseconds after which a peer is not fast that a batch has been for. */
const fastBatchTime = 10

/**
 * A `node:net` socket as a transport. Text is gathered in a string, since one latin1 string is the cheapest thing to
 * write to a socket. While the operating system does not take what was handed to it, everything further waits here.
 */
export class NetTransport implements Transport, TurnTask, WritingTask, TurnShare, Reader {
  readonly server: Address | undefined
  readonly #socket: Socket
  readonly #slot: AcceptedSocket["slot"]
  readonly #tls: TlsConnection | undefined
  readonly #turns: TurnQueue
  isBlocked = false
  turn = 0
  written = 0
  turnAdded = 0
  nextTask: TurnTask | undefined = undefined
  #handler: TransportHandler | undefined = undefined
  #text: ByteString = ""
  /** What comes before `#text`, when there is more than text. */
  #queue: ByteQueue | undefined = undefined
  #gatherLimit = defaultGatherLimit
  #batchSize = smallestBatch
  /** What the system had not taken of a batch when progress was last looked at. */
  #untaken = 0
  /** What the system had not taken of a write past the socket's stream, until it has. */
  #past = 0
  /** When a whole batch was handed to the socket that is not known to be taken. */
  #batchTime: number | undefined = undefined
  #isScheduled = false
  #isInTurn = false
  #hasWritten = false
  /** Whether it is other connections' turn to write. */
  #isWaiting = false
  /** What follows when everything has been handed over. */
  #ending: "none" | "end" | "close" | "truncate" = "none"
  #error: DisconnectReason | undefined = undefined
  #takenCallback: ((error?: Error | null) => void) | undefined = undefined

  constructor({ slot, socket, tls }: AcceptedSocket, server: Address | undefined, turns: TurnQueue) {
    this.server = server
    this.#socket = socket
    this.#slot = slot
    this.#tls = tls
    this.#turns = turns
  }

  get bufferedAmount(): number {
    return this.#gatheredLength + (this.isBlocked ? this.#socket.writableLength + this.#past : 0)
  }

  get #gatheredLength(): number {
    return this.#text.length + (this.#queue?.length ?? 0)
  }

  tookSome(): boolean {
    const before = this.#untaken
    this.#noteUntaken()
    // While others have their turn, the peer is not to blame.
    return this.#untaken !== before || this.#isWaiting
  }

  /** What TLS has encrypted waits in a queue of its own. */
  #noteUntaken(): void {
    const carrier = this.#tls?.carrier
    this.#untaken = queuedBytes(this.#socket) + (carrier === undefined ? 0 : queuedBytes(carrier))
  }

  get secure(): boolean {
    return this.isEncrypted
  }

  /** Whether there is TLS below it. */
  protected get isEncrypted(): boolean {
    return this.#tls !== undefined
  }

  /** Whether it is a Unix socket, or what is below it. */
  protected get isUnix(): boolean {
    return this.server?.[1] === null
  }

  /** Not known any more when the socket has been closed. */
  get client(): Address | undefined {
    return clientOf(this.#tls?.carrier ?? this.#socket)
  }

  get tls(): TlsExtension | undefined {
    return this.#tls?.extension
  }

  get expectedHost(): string | undefined {
    return this.#tls?.expectedHost
  }

  open(handler: TransportHandler, gatherLimit = defaultGatherLimit): void {
    const isFirst = this.#handler === undefined
    this.#handler = handler
    this.#gatherLimit = gatherLimit
    if (!isFirst) return
    if (this.#slot !== undefined) {
      this.#slot.reader = this
      return
    }
    const onBytes = (bytes: Uint8Array): void => this.onRead(bytes, false)
    this.#socket.on("data", onBytes)
    if (this.isEncrypted) readPastStream(this.#socket, onBytes)
    this.#socket.on("end", () => this.onEnd())
    this.#socket.on("error", (error: NodeJS.ErrnoException) => this.onError(error))
    this.#socket.on("close", () => this.onClosed())
  }

  get isDiscarding(): boolean {
    return this.#handler?.isDiscarding === true
  }

  onRead(bytes: Uint8Array, isLent: boolean): void {
    this.#turns.observer?.bytesReceived?.(bytes.length)
    this.#isInTurn = true
    this.#handler?.onData(bytes, isLent)
    this.#isInTurn = false
    if (this.#isScheduled) this.endTurn()
  }

  onEnd(): void {
    this.#handler?.onEnd()
  }

  onError(error: NodeJS.ErrnoException): void {
    this.#error = reasonOf(error)
  }

  onClosed(): void {
    this.#handler?.onClose(this.#error)
  }

  write(data: ByteString | Uint8Array): void {
    // Nothing can follow the end, and what was kept would never be sent.
    if (this.#ending !== "none") return
    if (typeof data === "string") this.#text += data
    else if (data.length <= gatherLimit) this.#text += fromBytes(data, 0, data.length)
    else this.#push(data)
    if (this.#gatheredLength >= this.#gatherLimit) this.#pump()
    else if (!this.#isScheduled) this.scheduleFlush()
    else if (this.turnAdded !== 0) this.#turns.more(this)
  }

  scheduleFlush(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    if (!this.#isInTurn) this.#turns.add(this)
  }

  endTurn(): void {
    this.#isScheduled = false
    this.flush()
  }

  flush(): void {
    this.#handler?.onFlush()
    this.#pump()
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  end(): void {
    if (this.#ending === "none") this.#ending = "end"
    this.#pump()
  }

  close(): void {
    this.#ending = "close"
    this.#pump()
  }

  truncate(): void {
    this.#ending = "truncate"
    this.#pump()
  }

  destroy(): void {
    this.#pump(true)
    this.#socket.destroy()
  }

  reset(): void {
    const carrier = this.#tls?.carrier ?? this.#socket
    // There is no reset on a Unix socket.
    if (this.isUnix) carrier.destroy()
    else carrier.resetAndDestroy()
  }

  #push(data: ByteString | Uint8Array): void {
    const queue = (this.#queue ??= new ByteQueue())
    const text = this.#text
    this.#text = ""
    queue.push(text)
    queue.push(data)
  }

  /** Hands over what was gathered, as long as the operating system takes it and it is this connection's turn. */
  #pump(isLast = false): void {
    if (this.#ending === "none" && this.#writesPast()) return
    const socket = this.#socket
    if (isLast && this.#isWaiting) this.isBlocked = false
    while (!this.isBlocked && socket.writable) {
      const gathered = this.#gatheredLength
      if (gathered === 0 || this.#writesAllAtOnce(gathered)) break
      if (!isLast && !writeTurns.allows(this)) return this.#waitForTurn()
      const queue = this.#queue
      const written = queue !== undefined && queue.length > 0 ? this.#writeQueue(queue) : this.#writeText()
      if (written > 0) this.#turns.observer?.bytesSent?.(written)
      writeTurns.note(this, written)
      if (socket.writableLength > 0) this.#block()
      else this.#adaptBatch()
    }
    if (this.isBlocked || this.#ending === "none") return
    if (this.#ending === "end") this.#endWriting()
    // TLS says that nothing is missing, which without it the end alone does.
    else if (this.#ending === "close" && this.isEncrypted) socket.destroySoon()
    else socket.destroy()
  }

  /** The usual case: whether all that there was is a short text, and the system has taken it. */
  #writesPast(): boolean {
    if (this.isBlocked || this.isEncrypted) return false
    const text = this.#text
    const { length } = text
    if (length > this.#batchSize || this.#gatheredLength > length || !writeTurns.allows(this)) return false
    if (length === 0) return true
    const untaken = writePast(this.#socket, text)
    if (untaken < 0) return false
    this.#text = ""
    this.#hasWritten = true
    this.#past = untaken
    this.#turns.observer?.bytesSent?.(length)
    writeTurns.note(this, length)
    if (untaken > 0) this.#block()
    return true
  }

  /** Whether this was the one answer of a connection over TLS, short enough that nobody needs to be told when it is taken. */
  #writesAllAtOnce(length: number): boolean {
    if (!this.isEncrypted || this.#ending !== "end" || this.#hasWritten || length > firstWriteLimit) return false
    if (this.#text.length !== length) return false
    this.#socket.end(this.#text, "latin1")
    this.#text = ""
    this.#turns.observer?.bytesSent?.(length)
    return true
  }

  /** Node makes an error, which nobody sees, for a socket that has ended before. */
  #endWriting(): void {
    if (!this.#socket.writableEnded) this.#socket.end()
  }

  /** Answers how many bytes were handed over. */
  #writeText(): number {
    const text = this.#text
    if (text.length > this.#batchSize) {
      this.#push("")
      return 0
    }
    this.#text = ""
    this.#hasWritten = true
    if (this.isEncrypted) this.#socket.write(text, "latin1", this.#onTaken)
    else this.#socket.write(text, "latin1")
    return text.length
  }

  /** Answers how many bytes were handed over. */
  #writeQueue(queue: ByteQueue): number {
    const socket = this.#socket
    if (this.#text !== "") this.#push("")
    this.#hasWritten = true
    socket.cork()
    const batchSize = this.#batchSize
    let room = batchSize
    while (room > 0 && queue.length > 0) {
      const piece = queue.take(room)
      if (piece === undefined) {
        this.#onContentGone(queue)
        return batchSize - room
      }
      if (typeof piece === "string") socket.write(piece, "latin1")
      else socket.write(piece)
      room -= piece.length
    }
    if (queue.length > 0) this.#batchTime = performance.now()
    if (this.isEncrypted) socket.write("", this.#onTaken)
    socket.uncork()
    return batchSize - room
  }

  /** The application has taken away bytes whose number the peer has been told, so that nothing can follow. */
  #onContentGone(queue: ByteQueue): void {
    queue.clear()
    this.#turns.log(Effect.logError(`a connection was broken off: ${goneMessage}`))
    this.#error = "server_error"
    this.reset()
  }

  /**
   * Waits for the socket: the callback of an empty write comes when all before it has been taken. TLS never takes
   * anything at once, and an empty write costs it a call of the system, so there each write has the callback.
   */
  #block(): void {
    this.isBlocked = true
    if (!this.isEncrypted) this.#socket.write("", this.#onTaken)
    this.#noteUntaken()
    this.#handler?.onBlocked()
  }

  /** Others are to be looked at first. */
  #waitForTurn(): void {
    this.isBlocked = true
    this.#isWaiting = true
    writeTurns.wait(this)
    this.#handler?.onBlocked()
  }

  nextTurn(): void {
    this.#isWaiting = false
    this.#unblock()
  }

  /** Made when it is first needed, which for most connections is never. */
  get #onTaken(): (error?: Error | null) => void {
    return (this.#takenCallback ??= (error) => this.#taken(error))
  }

  #taken(error: Error | null | undefined): void {
    // After an error nothing has been taken: no application may be told to go on, `onClose` is to come.
    if (error || !this.isBlocked || this.#socket.writableLength > 0) return
    this.#past = 0
    this.#unblock()
  }

  #unblock(): void {
    if (this.#socket.destroyed) return
    this.isBlocked = false
    this.#adaptBatch()
    this.flush()
    this.#handler?.onDrain()
  }

  /** A batch was taken: the next one may be larger if that was fast. */
  #adaptBatch(): void {
    if (this.#batchTime === undefined) return
    const isFast = performance.now() - this.#batchTime < fastBatchTime
    this.#batchTime = undefined
    this.#batchSize = isFast ? Math.min(2 * this.#batchSize, largestBatch) : smallestBatch
  }
}

/** The peer of a connection; nothing for a Unix socket. */
export const clientOf = ({ remoteAddress, remotePort }: Socket): Address | undefined =>
  remoteAddress === undefined || remotePort === undefined ? undefined : [remoteAddress, remotePort]

const reasonOf = (error: NodeJS.ErrnoException): DisconnectReason => {
  switch (error.code) {
    case "ECONNRESET":
    case "EPIPE": // A reset that comes after the peer's end.
      return "client_closed"
    case "ETIMEDOUT":
      return "client_timeout"
    default:
      return error.syscall === "write" ? "write_error" : "read_error"
  }
}

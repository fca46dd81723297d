/** Reads the header of the PROXY protocol off a socket, and leaves to the next reader all that follows. */
import type { Socket } from "node:net"
import type { AcceptedSocket, Reader } from "../listen/SharedRead.ts"
import type { Header, HeaderProblem } from "../proxyProtocol/Header.ts"
import { readHeader } from "../proxyProtocol/ReadHeader.ts"

const noBytes: Uint8Array = new Uint8Array(0)

/** Who is told what has become of a header; of one of these, once. */
export interface HeaderOwner {
  /** What follows in the same read; lent bytes are valid until the call returns. */
  onHeader(header: Header, rest: Uint8Array, isLent: boolean): void
  /** There is none; `proxy-incomplete` says that it ends in the middle. */
  onProblem(problem: HeaderProblem | "proxy-incomplete"): void
  /** The connection has ended before anything came. */
  onNothing(): void
}

/** Begins to read. A socket that reads into the shared buffer goes on to do so, another one keeps what follows itself. */
export const readFrom = ({ slot, socket }: AcceptedSocket, owner: HeaderOwner): HeaderReader =>
  slot === undefined ? readStream(socket, owner) : (slot.reader = new HeaderReader(owner))

/** A header that is about to come, and as much of it as has. */
export class HeaderReader implements Reader {
  readonly isDiscarding = false
  readonly #owner: HeaderOwner
  #received = noBytes
  #isDone = false

  constructor(owner: HeaderOwner) {
    this.#owner = owner
  }

  /** Whether a part of it has come. */
  get hasBegun(): boolean {
    return this.#received.length > 0
  }

  /** Nobody waits for it any more. */
  stop(): void {
    this.#isDone = true
  }

  onRead(bytes: Uint8Array, isLent: boolean): void {
    if (this.#isDone) return
    const before = this.#received.length
    const received = before === 0 ? bytes : Buffer.concat([this.#received, bytes])
    const reading = readHeader(received)
    if (reading === undefined) {
      this.#received = Buffer.from(received)
      return
    }
    this.#isDone = true
    this.#received = noBytes
    if (typeof reading === "string") this.#owner.onProblem(reading)
    else this.#owner.onHeader(reading, bytes.subarray(reading.length - before), isLent)
  }

  onEnd(): void {
    if (this.#isDone) return
    this.#isDone = true
    if (this.hasBegun) this.#owner.onProblem("proxy-incomplete")
    else this.#owner.onNothing()
  }

  onError(): void {}

  onClosed(): void {
    this.onEnd()
  }
}

/** What follows goes back into the socket, where TLS or whoever listens finds it before anything else. */
const readStream = (socket: Socket, owner: HeaderOwner): HeaderReader => {
  const reader = new HeaderReader({
    onHeader: (header, rest) => {
      socket.off("readable", onReadable)
      socket.off("end", onEnd)
      socket.off("close", onEnd)
      if (rest.length > 0) socket.unshift(rest)
      owner.onHeader(header, noBytes, false)
    },
    onProblem: (problem) => owner.onProblem(problem),
    onNothing: () => owner.onNothing()
  })
  const onReadable = (): void => {
    const bytes: unknown = socket.read()
    if (bytes instanceof Uint8Array) reader.onRead(bytes, false)
  }
  const onEnd = (): void => reader.onEnd()
  socket.on("readable", onReadable)
  socket.on("end", onEnd)
  socket.on("close", onEnd)
  // The end follows.
  socket.on("error", () => {})
  return reader
}

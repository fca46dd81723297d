/**
 * Accepts sockets such that all of them read into one buffer. An accepted socket normally gets a fresh 64 KiB buffer for every read and passes it
 * through a stream. With `onread`, an option that `net.Socket` documents for clients, the bytes come in one buffer that
 * all connections share, straight from the handle: a tenth more requests per second, and nothing for the garbage
 * collector to do. `net.Server` has no such option, so the handle of an accepted connection is taken before the server
 * makes a socket of it. That uses two internals (`_handle.onconnection`, the `handle` option); where they are not found
 * the server accepts as usual and `NetTransport` listens to `data` events.
 */
import { type Server, Socket, type SocketConstructorOpts } from "node:net"
import type { TlsConnection } from "../tls/TlsConnection.ts"

/** Who is told what happens to a socket. Lent bytes are valid until the call returns, others are the reader's own. */
export interface Reader {
  /** Whether what comes is thrown away. */
  readonly isDiscarding: boolean
  onRead(bytes: Uint8Array, isLent: boolean): void
  onEnd(): void
  onError(error: NodeJS.ErrnoException): void
  onClosed(): void
}

/** An accepted socket, and how it is read. */
export interface AcceptedSocket {
  readonly socket: Socket
  /** The same socket, where it reads into the shared buffer; absent when it emits `data` events instead. */
  readonly slot: { reader: Reader | undefined } | undefined
  /** The number of its file descriptor, where it is known. */
  readonly descriptor?: number | undefined
  /** What is below a socket that encrypts. */
  readonly tls?: TlsConnection
}

interface ConnectionHandle {
  readonly fd?: number
  setNoDelay?(on: boolean): number
}

interface ServerHandle {
  onconnection?: (status: number, handle: ConnectionHandle | undefined) => void
}

/** As much as libuv reads at once. */
const bufferSize = 65_536

const sharedBuffer = Buffer.allocUnsafeSlow(bufferSize)

/**
 * Gives every connection that the server accepts from now on to `onSocket`. Those that are to be encrypted are not read
 * into the shared buffer, but by TLS.
 */
export const acceptSockets = (server: Server, onSocket: (accepted: AcceptedSocket) => void, isForTls = false): void => {
  // Not declared, because it is not public; see above.
  const handle = (server as unknown as { readonly _handle?: ServerHandle | null })._handle
  const acceptAsUsual = handle?.onconnection
  if (handle === undefined || handle === null || acceptAsUsual === undefined) {
    server.on("connection", (socket) => onSocket({ socket, slot: undefined }))
    return
  }
  handle.onconnection = function (this: ServerHandle, status, connection) {
    // Failures to accept are the server's business.
    if (status !== 0 || connection === undefined) acceptAsUsual.call(this, status, connection)
    else onSocket(isForTls ? adoptForTls(connection) : adopt(connection))
  }
}

/** A socket that tells its reader directly: listeners would take more memory than the rest of an idle connection. */
class ReadingSocket extends Socket {
  reader: Reader | undefined = undefined
  /** Whether it reads into the buffer of all. */
  isShared = true
  /** Whether the last read filled the buffer, and somebody wants what comes. */
  isFilled = false

  override emit(event: string | symbol, ...args: ReadonlyArray<unknown>): boolean {
    const { reader } = this
    if (reader === undefined) return super.emit(event, ...args)
    // Node gives errors as the only argument.
    if (event === "error") reader.onError(args[0] as NodeJS.ErrnoException)
    else {
      super.emit(event, ...args)
      if (event === "end") reader.onEnd()
      else if (event === "close") reader.onClosed()
    }
    return true
  }
}

/** The socket that has just read. Node asks for the next buffer right afterwards, without saying for which socket. */
let justRead: ReadingSocket | undefined = undefined

const noteRead = (socket: ReadingSocket): void => {
  justRead = socket
}

/** Called as a method of the socket. */
const takeRead = function (this: ReadingSocket, length: number, buffer: Uint8Array): boolean {
  const isFull = length === bufferSize
  this.reader?.onRead(buffer.subarray(0, length), this.isShared || !isFull)
  // What nobody keeps can go where it is overwritten.
  this.isFilled = isFull && this.reader?.isDiscarding === false
  noteRead(this)
  return true
}

/**
 * Asked at the start and after each read; without an answer the buffer stays. A read that fills the buffer is most likely
 * followed by another one, as in an upload. The next one then goes into a buffer that becomes the reader's, because
 * copying so much out of the shared buffer costs more than allocating.
 */
const nextBuffer = (): Uint8Array | undefined => {
  const socket = justRead
  justRead = undefined
  if (socket === undefined) return sharedBuffer
  if (socket.isFilled) {
    socket.isShared = false
    return Buffer.allocUnsafeSlow(bufferSize)
  }
  if (socket.isShared) return undefined
  socket.isShared = true
  return sharedBuffer
}

const onread = { buffer: nextBuffer, callback: takeRead }

const adopt = (handle: ConnectionHandle): AcceptedSocket => {
  handle.setNoDelay?.(true)
  justRead = undefined
  // `handle` is declared for another kind of handle only.
  const socket = new ReadingSocket({ handle, allowHalfOpen: true, onread } as unknown as SocketConstructorOpts)
  return { socket, slot: socket, descriptor: handle.fd }
}

const adoptForTls = (handle: ConnectionHandle): AcceptedSocket => {
  handle.setNoDelay?.(true)
  // `handle` is declared for another kind of handle only. TLS begins to read, from the handle.
  const socket = new Socket({ handle, manualStart: true } as unknown as SocketConstructorOpts)
  return { socket, slot: undefined, descriptor: handle.fd }
}

/** Of a socket that decrypts, as far as it is used here. */
interface DecryptingHandle {
  onread?: (bytes: ArrayBuffer | undefined) => unknown
  /** How much it has read since it was opened. */
  readonly bytesRead?: number
}

/**
 * Has a socket that emits `data` give what it decrypts to `onBytes` instead, past the stream, as long as the stream would
 * do the same at once: while it flows and holds nothing back. One more internal: where `onread` is not found, or is not
 * told of exactly the bytes that were read, everything takes its usual way.
 */
export const readPastStream = (socket: Socket, onBytes: (bytes: Uint8Array) => void): void => {
  // Not declared, because it is not public.
  const { _handle: handle } = socket as unknown as { readonly _handle?: DecryptingHandle | null }
  const readAsUsual = handle?.onread
  if (handle?.bytesRead === undefined || readAsUsual === undefined) return
  let known = handle.bytesRead
  handle.onread = function (this: DecryptingHandle, bytes) {
    const total = this.bytesRead ?? 0
    const isAll = bytes?.byteLength === total - known
    known = total
    const isDirect = socket.readableFlowing === true && socket.readableLength === 0
    // Both sides have ended. The stream would come to the same end in several turns.
    if (bytes === undefined && isDirect && socket.writableFinished) return socket.destroy()
    if (bytes === undefined || !isAll || !isDirect) {
      return readAsUsual.call(this, bytes)
    }
    onBytes(new Uint8Array(bytes))
    return undefined
  }
}

/**
 * Sockets that read into one buffer. An accepted socket normally gets a fresh 64 KiB buffer for every read and passes it
 * through a stream. With `onread`, an option that `net.Socket` documents for clients, the bytes come in one buffer that
 * all connections share, straight from the handle: a tenth more requests per second, and nothing for the garbage
 * collector to do. `net.Server` has no such option, so the handle of an accepted connection is taken before the server
 * makes a socket of it. That uses two internals (`_handle.onconnection`, the `handle` option); where they are not found
 * the server accepts as usual and `NetTransport` listens to `data` events.
 */
import { type Server, Socket, type SocketConstructorOpts } from "node:net"
import type { TlsConnection } from "./TlsConnection.ts"

/** Who is given the bytes of a socket. Lent ones are valid until the call returns, others are the reader's own. */
export interface Reader {
  onRead(bytes: Uint8Array, isLent: boolean): void
}

/** A socket, and where its reader goes when it reads into the shared buffer. */
export interface AcceptedSocket {
  readonly socket: Socket
  /** Absent when the socket emits `data` events instead. */
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

/** Gives every connection that the server accepts from now on to `onSocket`. */
export const acceptSockets = (server: Server, onSocket: (accepted: AcceptedSocket) => void): void => {
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
    else onSocket(adopt(connection))
  }
}

/**
 * A read that fills the buffer is most likely followed by another one, as in an upload. The next one then goes into a
 * buffer that becomes the reader's, because copying so much out of the shared buffer costs more than allocating.
 */
const adopt = (handle: ConnectionHandle): AcceptedSocket => {
  const slot: { reader: Reader | undefined } = { reader: undefined }
  let isShared = false
  let isFilled = false
  const callback = (length: number, buffer: Uint8Array): boolean => {
    isFilled = length === bufferSize
    slot.reader?.onRead(buffer.subarray(0, length), isShared || !isFilled)
    return true
  }
  /** Asked at the start and after each read; without an answer the buffer stays. */
  const nextBuffer = (): Uint8Array | undefined => {
    if (isFilled) {
      isShared = false
      return Buffer.allocUnsafeSlow(bufferSize)
    }
    if (isShared) return undefined
    isShared = true
    return sharedBuffer
  }
  handle.setNoDelay?.(true)
  const options = { handle, allowHalfOpen: true, onread: { buffer: nextBuffer, callback } }
  // `handle` is declared for another kind of handle only.
  return { socket: new Socket(options as unknown as SocketConstructorOpts), slot, descriptor: handle.fd }
}

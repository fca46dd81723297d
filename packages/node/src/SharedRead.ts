/**
 * Sockets that read into one buffer. An accepted socket normally gets a fresh 64 KiB buffer for every read and passes it
 * through a stream. With `onread`, an option that `net.Socket` documents for clients, the bytes come in one buffer that
 * all connections share, straight from the handle: a tenth more requests per second, and nothing for the garbage
 * collector to do. `net.Server` has no such option, so the handle of an accepted connection is taken before the server
 * makes a socket of it. That uses two internals (`_handle.onconnection`, the `handle` option); where they are not found
 * the server accepts as usual and `NetTransport` listens to `data` events.
 */
import { type Server, Socket, type SocketConstructorOpts } from "node:net"

/** Who is given the bytes of a socket; they are lent until the call returns. */
export interface Reader {
  onRead(bytes: Uint8Array): void
}

/** A socket, and where its reader goes when it reads into the shared buffer. */
export interface AcceptedSocket {
  readonly socket: Socket
  /** Absent when the socket emits `data` events instead. */
  readonly slot: { reader: Reader | undefined } | undefined
}

interface ConnectionHandle {
  setNoDelay?(on: boolean): number
}

interface ServerHandle {
  onconnection?: (status: number, handle: ConnectionHandle | undefined) => void
}

/** As much as libuv reads at once. */
const bufferSize = 65_536

const buffer = Buffer.allocUnsafeSlow(bufferSize)

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

const adopt = (handle: ConnectionHandle): AcceptedSocket => {
  const slot: { reader: Reader | undefined } = { reader: undefined }
  const callback = (length: number, shared: Uint8Array): boolean => {
    slot.reader?.onRead(shared.subarray(0, length))
    return true
  }
  handle.setNoDelay?.(true)
  const options = { handle, allowHalfOpen: true, onread: { buffer, callback } }
  // `handle` is declared for another kind of handle only.
  return { socket: new Socket(options as unknown as SocketConstructorOpts), slot }
}

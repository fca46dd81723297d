import type { Socket } from "node:net"

/**
 * Bytes handed to a socket that the operating system has not taken. What the socket itself tells changes only when it has
 * taken everything, which with a slow peer may last for minutes. So Node's `net` too looks at the handle when a socket
 * times out. Where there is no such handle, nothing is known.
 */
export const queuedBytes = (socket: Socket): number => {
  // Not declared, because it is not public; see above.
  const { _handle } = socket as unknown as { readonly _handle?: { readonly writeQueueSize?: number } | null }
  return _handle?.writeQueueSize ?? 0
}

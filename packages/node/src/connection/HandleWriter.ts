/**
 * Writes to a socket's handle, past its stream. A short text that the system takes at once, as it nearly always does, needs
 * nothing of what the stream does for it: that is a fifth of the time of a write. Node's `net` writes in the same way,
 * with one request for each write. The system asks for a request only when it cannot take everything at once, so one is
 * kept until then. All of this is internal to Node: what a request is made by is learned from a socket's own write, and
 * where it is not found everything takes its usual way.
 */
import type { Socket } from "node:net"

/** Of a socket's handle, as far as it is used here. */
interface WritingHandle {
  /** Answers an error number, or 0. The request is in use afterwards if not everything was taken. */
  writeLatin1String?(request: object, text: string): number
  /** Bytes that the system has not taken. */
  readonly writeQueueSize?: number
}

type MakeRequest = new () => object

/** Not known until a socket has written, and nothing where it writes in another way. */
let makeRequest: MakeRequest | "unknown" | undefined = "unknown"

/** One that is not in use. */
let spare: object | undefined = undefined

/** Longer text is copied to memory of its own before it is written, which the stream does as well. */
const longest = 16_384

const handleOf = (socket: Socket): WritingHandle | null | undefined =>
  // Not declared, because it is not public.
  (socket as unknown as { readonly _handle?: WritingHandle | null })._handle

/** The next write of the socket shows what it makes requests by. */
const learn = (handle: WritingHandle): void => {
  const write = handle.writeLatin1String
  makeRequest = undefined
  if (write === undefined || typeof handle.writeQueueSize !== "number") return
  handle.writeLatin1String = (request, text) => {
    delete handle.writeLatin1String
    if (request.constructor.name === "WriteWrap") makeRequest = request.constructor as MakeRequest
    return write.call(handle, request, text)
  }
}

/**
 * Writes a byte string to a socket to whose stream nothing was written that has not been taken. Answers how many bytes of it
 * the system has not taken, which it will; or -1 when nothing was written, which is for the stream then.
 */
export const writePast = (socket: Socket, text: string): number => {
  if (text.length > longest) return -1
  const handle = handleOf(socket)
  if (handle?.writeLatin1String === undefined) return -1
  if (typeof makeRequest !== "function") {
    if (makeRequest === "unknown") learn(handle)
    return -1
  }
  const request = (spare ??= new makeRequest())
  // Of an error the stream finds out when it tries.
  if (handle.writeLatin1String(request, text) !== 0) return -1
  const untaken = handle.writeQueueSize ?? 0
  if (untaken > 0) spare = undefined
  return untaken
}

/**
 * Binds listening sockets without accepting on them. The process that looks after workers binds for them, so that there
 * is somebody who holds the sockets when a worker comes or goes, and must not take their connections. Node's public
 * `listen` binds, listens and accepts in one, so this uses what `listen` is made of: `net._createServerHandle`, an
 * internal that is the same in Node 22, 24 and 26. It is called here only. It also tells where a socket is bound that
 * another process has opened.
 */
import { tcp, type TcpEndpoint } from "@pagi/core/options/Endpoint"
import * as net from "node:net"
import { getSystemErrorName } from "node:util"

/** A bound socket. Its descriptor is closed by `close` only, not when the handle is forgotten. */
export interface ServerHandle {
  readonly fd: number
  close(): void
  /** With TCP only; these two answer 0, or the negative number of an error. */
  getsockname?(address: { address?: string; port?: number }): number
  getpeername?(address: object): number
}

type CreateServerHandle = (
  address: string | null,
  port: number | null,
  /** 4 or 6 for IP, -1 for a path. */
  addressType: number | null,
  descriptor?: number
) => ServerHandle | number

// Not declared, because it is not public; see above.
const { _createServerHandle: createServerHandle } = net as unknown as {
  readonly _createServerHandle: CreateServerHandle
}

/** Throws as Node does. */
const fail = (errno: number): never => {
  const code = getSystemErrorName(errno)
  throw Object.assign(new Error(code), { code })
}

const create = (...args: Parameters<CreateServerHandle>): ServerHandle => {
  const handle = createServerHandle(...args)
  return typeof handle === "number" ? fail(handle) : handle
}

/** Where a handle of TCP is bound; nothing for one of a path. */
export const boundOf = (handle: ServerHandle): TcpEndpoint | undefined => {
  if (handle.getsockname === undefined) return undefined
  const out: { address?: string; port?: number } = {}
  // For a new handle also what bind has answered: libuv keeps "address in use" back until somebody asks.
  const errno = handle.getsockname(out)
  return errno === 0 && out.address !== undefined && out.port !== undefined ? tcp(out.address, out.port) : fail(errno)
}

/** Binds to an IP address. */
export const bindTcp = (address: string, port: number, family: number): ServerHandle => {
  const handle = create(address, port, family)
  try {
    boundOf(handle)
    return handle
  } catch (error) {
    handle.close()
    throw error
  }
}

/** Binds to a path where nothing is; the path goes when the handle closes. */
export const bindPath = (path: string): ServerHandle => create(path, -1, -1)

/** A handle of a descriptor that is a socket of TCP or with a path, unless it is a connection; throws for all others. */
export const open = (descriptor: number): ServerHandle => {
  const handle = create(null, null, null, descriptor)
  // Not closed, as that would close the descriptor.
  if (handle.getpeername?.({}) === 0) throw new Error("it is a connection")
  return handle
}

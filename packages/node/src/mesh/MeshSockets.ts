/** Carries the connections between the workers of a server over Unix sockets in the folder of the pool. */
import { randomBytes } from "node:crypto"
import { readdirSync, renameSync } from "node:fs"
import { connect, createServer, type Server, type Socket } from "node:net"
import { join } from "node:path"
import { codeOf } from "../accept/ListenError.ts"
import { claimNow } from "../process/ClaimedFolder.ts"
import * as PoolFolder from "../process/PoolFolder.ts"
import * as StandingSocket from "../process/StandingSocket.ts"
import type { Connection, ConnectionPort } from "./protocol/Connection.ts"
import { Mesh, type MeshListener } from "./protocol/Mesh.ts"

/** Milliseconds that a process which connects has to say who it is. */
const greetingLimit = 5000

/** Milliseconds until a process that was lost is tried again: the first time, and at most. */
const firstPause = 20
const longestPause = 2000

/** More than there are processes: so many may connect while the event loop is busy. */
const backlog = 511

/**
 * How often nobody has to answer at a socket before it is removed: on Linux nobody listens there, and elsewhere it may be
 * that too many connect at the same time.
 */
const refusals = process.platform === "linux" ? 1 : 5

const extension = ".sock"
const socketName = /^([0-9a-f]{16})\.sock$/

/** Writes what the connections have, once in a turn of the event loop. */
class Writes {
  readonly #carriers = new Set<Carrier>()

  add(carrier: Carrier): void {
    if (this.#carriers.size === 0) setImmediate(() => this.#run())
    this.#carriers.add(carrier)
  }

  #run(): void {
    const carriers = [...this.#carriers]
    this.#carriers.clear()
    for (const carrier of carriers) carrier.write()
  }
}

/** A socket and the connection that it carries. */
class Carrier {
  readonly socket: Socket
  readonly connection: Connection
  #isWriting = false
  #isEnding = false
  #isReady: boolean

  constructor(socket: Socket, writes: Writes, make: (port: ConnectionPort) => Connection) {
    this.socket = socket
    this.#isReady = !socket.connecting
    this.connection = make({
      wake: () => writes.add(this),
      end: () => {
        this.#isEnding = true
        writes.add(this)
      }
    })
    const { connection } = this
    socket.on("connect", () => {
      this.#isReady = true
      this.write()
    })
    socket.on("data", (bytes) => connection.receive(bytes))
    // Everything that was sent has come by then.
    socket.on("end", () => connection.closed())
    socket.on("close", () => connection.closed())
    // It closes then.
    socket.on("error", () => {})
  }

  /** Writes what there is, if the system has what was written before. */
  write(): void {
    if (this.#isWriting || !this.#isReady || this.socket.destroyed) return
    const bytes = this.connection.take()
    if (bytes !== undefined) {
      this.#isWriting = true
      this.socket.write(bytes, this.#written)
    } else if (this.#isEnding) this.socket.destroySoon()
  }

  readonly #written = (): void => {
    this.#isWriting = false
    this.write()
  }
}

/** Who is told, besides what the mesh tells. */
export interface SocketsListener extends Omit<MeshListener, "onLost"> {
  /** Its socket was removed, and it cannot have another; it goes on trying. */
  readonly onHidden: (error: unknown) => void
}

/** The sockets of one process, and its mesh. */
export class MeshSockets {
  readonly id = randomBytes(8).toString("hex")
  readonly mesh: Mesh
  readonly #folder: string
  readonly #onHidden: (error: unknown) => void
  #server: Server
  readonly #writes = new Writes()
  readonly #carriers = new Set<Carrier>()
  /** When those that were lost are tried again, and how often that was without success. */
  readonly #timers = new Map<string, NodeJS.Timeout>()
  readonly #tries = new Map<string, number>()
  readonly #parent = process.ppid
  #isClosed = false
  #onDeparted: (() => void) | undefined = undefined
  #stopKeeping: (() => void) | undefined = undefined

  constructor(folder: string, listener: SocketsListener) {
    this.#folder = folder
    this.#onHidden = listener.onHidden
    this.mesh = new Mesh(this.id, {
      ...listener,
      onSettled: (peer) => {
        this.#tries.delete(peer)
        listener.onSettled(peer)
      },
      onLost: (peer) => this.#tryLater(peer)
    })
    this.#server = this.#serve()
  }

  get path(): string {
    return this.#pathOf(this.id)
  }

  /** Listens. At its path the socket is there when it can be connected to, so that nobody takes it for a dead one. */
  listen(onListening: () => void, onError: (error: unknown) => void): void {
    const bound = join(this.#folder, `${this.id}.new`)
    const server = this.#server
    server.once("error", onError)
    server.listen({ path: bound, backlog }, () => {
      server.off("error", onError)
      if (this.#isClosed) return PoolFolder.removeSocket(bound)
      try {
        renameSync(bound, this.path)
        onListening()
      } catch (error) {
        onError(error)
      }
    })
  }

  /** Listens again whenever its socket was removed, and connects to those who have come meanwhile. */
  keepListening(): void {
    this.#stopKeeping = StandingSocket.keep(this.path, () => {
      this.#server.close()
      this.#server = this.#serve()
      try {
        claimNow(this.#folder)
      } catch (error) {
        return this.#onHidden(error)
      }
      this.listen(() => {
        // What either has published until now is missing at the other.
        for (const peer of this.connect()) this.mesh.proceedWithout(peer)
      }, this.#onHidden)
    })
  }

  /** Connects to all who listen, and answers who is to be waited for; this process has to listen by then. */
  connect(): ReadonlyArray<string> {
    const peers = readdirSync(this.#folder).flatMap((name) => socketName.exec(name)?.[1] ?? [])
    const others = peers.filter((peer) => peer !== this.id)
    for (const peer of others) this.#dial(peer)
    // Who has found this process first may have told everything.
    return others.filter((peer) => !this.mesh.isReady(peer))
  }

  /** No process finds this one any more, and those that are connected hear that it ends; `done` is called when they have. */
  depart(done: () => void): void {
    this.#isClosed = true
    this.#stopKeeping?.()
    this.#onDeparted = done
    for (const timer of this.#timers.values()) clearTimeout(timer)
    PoolFolder.removeSocket(this.path)
    this.mesh.depart()
    if (this.#carriers.size === 0) done()
  }

  close(): void {
    this.#isClosed = true
    this.#stopKeeping?.()
    for (const { socket } of this.#carriers) socket.destroy()
    this.#server.close()
    // The supervisor removes the folder, unless it was killed: then the last one does.
    if (process.ppid !== this.#parent) PoolFolder.remove(this.#folder, { onlyIfEmpty: true })
  }

  #serve(): Server {
    const server = createServer((socket) => this.#accept(socket))
    // Connections that could not be accepted: whoever makes them tries again.
    return server.on("error", () => {})
  }

  #pathOf(peer: string): string {
    return join(this.#folder, `${peer}${extension}`)
  }

  #accept(socket: Socket): void {
    const { connection } = this.#carry(socket, (port) => this.mesh.accept(port))
    const timer = setTimeout(() => {
      if (!connection.isOpen) socket.destroy()
    }, greetingLimit)
    socket.once("close", () => clearTimeout(timer))
  }

  #carry(socket: Socket, make: (port: ConnectionPort) => Connection): Carrier {
    const carrier = new Carrier(socket, this.#writes, make)
    this.#carriers.add(carrier)
    socket.once("close", () => {
      this.#carriers.delete(carrier)
      if (this.#carriers.size === 0) this.#onDeparted?.()
    })
    return carrier
  }

  #dial(peer: string): void {
    if (this.#isClosed || !this.mesh.mayDial(peer)) return
    const path = this.#pathOf(peer)
    const socket = connect({ path })
    const carrier = this.#carry(socket, (port) => this.mesh.dial(peer, port))
    socket.once("error", (error) => {
      if (carrier.connection.isOpen) return
      const code = codeOf(error)
      const tries = this.#tries.get(peer) ?? 0
      const isGone = code === "ENOENT" || (code === "ECONNREFUSED" && tries + 1 >= refusals)
      // What closes then finds that it is not tried again.
      if (isGone) this.#gone(peer, path)
    })
  }

  #gone(peer: string, path: string): void {
    PoolFolder.removeSocket(path)
    this.#tries.delete(peer)
    this.mesh.gone(peer)
  }

  #tryLater(peer: string): void {
    if (this.#isClosed || this.#timers.has(peer)) return
    const tries = this.#tries.get(peer) ?? 0
    this.#tries.set(peer, tries + 1)
    const pause = Math.min(longestPause, firstPause * 2 ** tries)
    this.#timers.set(
      peer,
      setTimeout(() => {
        this.#timers.delete(peer)
        this.#dial(peer)
      }, pause)
    )
  }
}

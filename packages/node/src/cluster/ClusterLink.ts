/**
 * The connection between a server and its successor while both have workers: a Unix socket in the pool's folder, and a
 * line of JSON for each message. The successor asks, in the names of its workers; whoever does not know the other's version
 * of this is silent, and waits until the connection ends.
 */
import { createConnection, createServer, type Server, type Socket } from "node:net"
import { codeOf } from "../accept/ListenError.ts"
import * as JsonLines from "../process/JsonLines.ts"
import * as StandingSocket from "../process/StandingSocket.ts"
import type { ClusterAuthority, PredecessorLink } from "./ClusterAuthority.ts"
import { asAnswer, asRequest, type ClusterAnswer } from "./ClusterRequest.ts"

/** Of the messages; another one is another protocol. */
const version = 1

/** Characters of a line beyond which it is none: all locks that there may be. */
const longestLine = 32 * 1024 * 1024

/** Where the server whose supervisor has this number can be asked. */
export const pathOf = (folder: string, pid: number): string => `${folder}/c-${pid}.sock`

type Message = Readonly<Record<string, unknown>>

const readMessages = (socket: Socket, onMessage: (message: Message) => void): void =>
  JsonLines.read(socket, longestLine, (value) => onMessage(typeof value === "object" ? { ...value } : {}))

const write = (socket: Socket, message: object): void => {
  if (socket.writable) socket.write(`${JSON.stringify(message)}\n`)
}

/** Answers a successor. */
const serve = (socket: Socket, authority: ClusterAuthority, goneAfter: number): void => {
  const clients = new Set<string>()
  let isKnown = false
  write(socket, { version })
  readMessages(socket, (message) => {
    const { client, gone, number } = message
    if (!isKnown) {
      isKnown = message["version"] === version
      return
    }
    if (typeof gone === "string") {
      clients.delete(gone)
      authority.gone(gone)
      return
    }
    const request = asRequest(message["request"])
    if (typeof client !== "string" || typeof number !== "number" || request === undefined) return
    clients.add(client)
    authority.ask(client, request, (answer) => write(socket, { number, answer }))
  })
  socket.on("close", () => {
    // A successor that is gone has left workers, which have to notice that first.
    setTimeout(() => {
      for (const client of clients) authority.gone(client)
    }, goneAfter).unref()
  })
}

/** A server that can be asked. */
export interface ClusterSocket {
  readonly hasSuccessor: () => boolean
  /** Says to a successor whether no worker is left that could have a shard, and closes. */
  readonly close: (isOver: boolean) => void
}

/** Listens for a successor. */
export const listen = (path: string, authority: ClusterAuthority, goneAfter: number): Promise<ClusterSocket> =>
  new Promise((resolve, reject) => {
    const sockets = new Set<Socket>()
    const open = (): Server =>
      createServer((socket) => {
        sockets.add(socket)
        socket.unref()
        socket.on("close", () => sockets.delete(socket))
        serve(socket, authority, goneAfter)
      })
        // The first time it is told; later, that is tried again.
        .on("error", reject)
        .listen(path)
        .unref()
    let server = open()
    server.once("listening", () => {
      const stopKeeping = StandingSocket.keep(path, () => {
        server.close()
        // The folder is there again as soon as a worker has made it.
        server = open()
      })
      resolve({
        hasSuccessor: () => sockets.size > 0,
        close: (isOver) => {
          stopKeeping()
          server.close()
          for (const socket of sockets) {
            if (isOver) write(socket, { over: true })
            socket.destroySoon()
          }
        }
      })
    })
  })

/**
 * Nobody is left who could have a shard; or that is not known; or there is no socket, as there has been no cluster, it is
 * over, or somebody has removed it.
 */
export type LinkEnd = "over" | "lost" | "missing"

/** Who is told of a predecessor. */
export interface PredecessorListener {
  /** It answers. */
  readonly onLinked: (link: PredecessorLink) => void
  readonly onAnswer: (number: number, answer: ClusterAnswer) => void
  /** It speaks another version, and there is nothing but its end to wait for. */
  readonly onStranger: () => void
  /** Once, unless it is closed here: the connection has ended. */
  readonly onEnd: (end: LinkEnd) => void
}

/** Connects to a predecessor. */
export const connect = (
  path: string,
  { onAnswer, onEnd, onLinked, onStranger }: PredecessorListener
): { readonly close: () => void } => {
  const socket = createConnection(path)
  let isLinked = false
  let end: LinkEnd = "lost"
  socket.unref()
  // One that was killed leaves a socket that refuses.
  socket.on("error", (error) => {
    if (codeOf(error) === "ENOENT") end = "missing"
  })
  let isClosedHere = false
  socket.on("close", () => {
    if (!isClosedHere) onEnd(end)
  })
  write(socket, { version })
  readMessages(socket, (message) => {
    if (!isLinked && "version" in message) {
      if (message["version"] !== version) return onStranger()
      isLinked = true
      return onLinked({
        ask: (number, client, request) => write(socket, { number, client, request }),
        gone: (client) => write(socket, { gone: client })
      })
    }
    if (message["over"] === true) end = "over"
    const { number } = message
    const answer = asAnswer(message["answer"])
    if (isLinked && typeof number === "number" && answer !== undefined) onAnswer(number, answer)
  })
  return {
    close: () => {
      isClosedHere = true
      socket.destroy()
    }
  }
}

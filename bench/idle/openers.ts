import { connect, type Socket } from "node:net"
import { greeting } from "../servers/support/contract.ts"
import { readFrames, request, settingsAcknowledgement } from "../http2/frames.ts"
import { clientFrame, serverFrame } from "../websocket/frames.ts"
import { makeHandshake } from "../websocket/handshake.ts"

/** Opens one connection and resolves when the server has done once what such a connection is for. */
export type Open = (port: number) => Promise<Socket>

/** Resolves as soon as what has arrived is complete. */
const exchange = (socket: Socket, request: string | Buffer, isComplete: (received: Buffer) => boolean) =>
  new Promise<Buffer>((resolve, reject) => {
    let received = Buffer.alloc(0)
    const fail = (error?: Error): void => reject(error ?? new Error("closed by the server"))
    const take = (bytes: Buffer): void => {
      received = Buffer.concat([received, bytes])
      if (!isComplete(received)) return
      socket.off("data", take).off("error", fail).off("close", fail)
      resolve(received)
    }
    socket.on("data", take).on("error", fail).on("close", fail)
    socket.write(request)
  })

const connected = (port: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1" })
    socket.once("error", reject)
    socket.once("connect", () => resolve(socket.off("error", reject)))
  })

const openHttp: Open = async (port) => {
  const socket = await connected(port)
  const request = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
  await exchange(socket, request, (received) => received.toString("latin1").endsWith(greeting))
  return socket
}

const message = Buffer.from(greeting)
const messageFrame = clientFrame("text", message)
const echoFrame = serverFrame("text", message)

const openWebSocket: Open = async (port) => {
  const socket = await connected(port)
  const handshake = makeHandshake(port)
  const head = await exchange(socket, handshake.request, (received) => received.includes("\r\n\r\n"))
  const problem = handshake.problemWith(head.toString("latin1"))
  if (problem !== undefined) throw new Error(problem)
  const echo = await exchange(socket, messageFrame, (received) => received.length >= echoFrame.length)
  if (!echo.equals(echoFrame)) throw new Error("the echo is not what was sent")
  return socket
}

/** With settings acknowledged by both sides, after one answer. */
const openHttp2: Open = async (port) => {
  const socket = await connected(port)
  let hasAcknowledged = false
  await exchange(socket, request(`127.0.0.1:${port}`), (bytes) => {
    const { areSettingsAcknowledged, body, hasSettings, isPingAnswered } = readFrames(bytes)
    if (!hasAcknowledged && hasSettings && areSettingsAcknowledged && body?.toString("latin1") === greeting) {
      hasAcknowledged = true
      socket.write(settingsAcknowledgement)
    }
    return isPingAnswered
  })
  return socket
}

const openers = { http: openHttp, http2: openHttp2, websocket: openWebSocket }

export const openerOf = (protocol: string | undefined): Open => {
  switch (protocol) {
    case "http":
    case "http2":
    case "websocket":
      return openers[protocol]
    default:
      throw new Error(`no connection of ${protocol}`)
  }
}

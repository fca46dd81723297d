import type { Socket } from "node:net"
import { parseArgs } from "node:util"
import { openerOf } from "./openers.ts"

/**
 * Holds connections open. Messages from the benchmark: a number opens that many, each with one answered request or one
 * echoed message; "count" asks how many are still open; "close" closes them.
 */
const { values } = parseArgs({ options: { port: { type: "string" }, protocol: { type: "string" } } })
const port = Number(values.port)
const openOne = openerOf(values.protocol)
const openAtOnce = 100

const sockets = new Set<Socket>()

const hold = (socket: Socket): void => {
  sockets.add(socket)
  socket.on("error", () => socket.destroy())
  socket.on("close", () => sockets.delete(socket))
  socket.resume()
}

const open = async (count: number): Promise<void> => {
  let remaining = count
  const openInTurn = async (): Promise<void> => {
    while (remaining > 0) {
      remaining -= 1
      hold(await openOne(port))
    }
  }
  await Promise.all(Array.from({ length: openAtOnce }, openInTurn))
}

const closeAll = async (): Promise<void> => {
  const closing = [...sockets].map((socket) => new Promise((resolve) => socket.once("close", resolve)))
  for (const socket of sockets) socket.end()
  await Promise.all(closing)
}

const answer = async (message: unknown): Promise<void> => {
  if (typeof message === "number") await open(message)
  if (message === "close") await closeAll()
  process.send?.({ open: sockets.size })
}

process.on("disconnect", () => process.exit())
process.on("message", (message) => {
  answer(message).catch((error: unknown) => process.send?.({ open: sockets.size, problem: String(error) }))
})

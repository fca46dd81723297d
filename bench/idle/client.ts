import { connect, type Socket } from "node:net"
import { parseArgs } from "node:util"
import { greeting } from "../servers/support/contract.ts"

/**
 * Holds keep-alive connections open. Messages from the benchmark: a number opens that many, each with one answered
 * request; "count" asks how many are still open; "close" closes them.
 */
const { values } = parseArgs({ options: { port: { type: "string" } } })
const port = Number(values.port)
const openAtOnce = 100

const sockets = new Set<Socket>()

const openOne = (): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1" })
    let received = ""
    socket.on("connect", () => socket.write("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"))
    socket.on("data", (bytes) => {
      received += bytes.toString("latin1")
      if (!received.endsWith(greeting)) return
      received = ""
      sockets.add(socket)
      resolve()
    })
    socket.on("error", reject)
    socket.on("close", () => sockets.delete(socket))
  })

const open = async (count: number): Promise<void> => {
  let remaining = count
  const openInTurn = async (): Promise<void> => {
    while (remaining > 0) {
      remaining -= 1
      await openOne()
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

import { createServer, type Socket } from "node:net"
import { upgrade } from "../websocket/handshake.ts"
import { serverFrame } from "../websocket/frames.ts"
import { listenOptions } from "./support/harness.ts"
import { listenForControl } from "./support/publisher.ts"

/** The least that a Node server can do: the same bytes, made once, to sockets of which nothing is known but that. */
const sockets = new Set<Socket>()

const server = createServer((socket) => {
  socket.setNoDelay(true)
  socket.on("error", () => socket.destroy())
  socket.on("close", () => sockets.delete(socket))
  socket.once("data", (head) => {
    socket.write(upgrade(head.toString("latin1")), "latin1")
    sockets.add(socket)
    socket.resume()
  })
})

const options = listenOptions()
server.listen(options)
listenForControl(options.port, {
  count: () => sockets.size,
  publish: (text) => {
    const frame = serverFrame("text", Buffer.from(text))
    for (const socket of sockets) socket.write(frame)
  }
})

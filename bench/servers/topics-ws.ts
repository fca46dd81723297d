import { createServer } from "node:http"
import { WebSocketServer } from "ws"
import { listenOptions } from "./support/harness.ts"
import { listenForControl } from "./support/publisher.ts"

const server = createServer()

const sockets = new WebSocketServer({ server, perMessageDeflate: false })

sockets.on("connection", (socket) => {
  socket.on("error", () => socket.terminate())
})

const options = listenOptions()
server.listen(options)
listenForControl(options.port, {
  count: () => sockets.clients.size,
  publish: (text) => {
    // As the documentation of the package has it.
    for (const socket of sockets.clients) if (socket.readyState === socket.OPEN) socket.send(text)
  }
})

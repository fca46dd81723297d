import { createServer } from "node:http"
import { WebSocketServer } from "ws"
import { listenOptions } from "./support/harness.ts"

const server = createServer()

const sockets = new WebSocketServer({ server, perMessageDeflate: false })

sockets.on("connection", (socket) => {
  socket.on("error", () => socket.terminate())
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }))
})

server.listen(listenOptions())

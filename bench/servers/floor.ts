import { createServer } from "node:net"
import { contentType, greeting } from "./support/contract.ts"
import { listenOptions } from "./support/harness.ts"

/** The least that a Node server can do: count the requests by their blank lines and write as many fixed answers. */
const requestEnd = "\r\n\r\n"

const answer = [
  "HTTP/1.1 200 OK",
  `content-type: ${contentType}`,
  `content-length: ${greeting.length}`,
  `date: ${new Date().toUTCString()}`,
  "",
  greeting
].join("\r\n")

const answers = Array.from({ length: 65 }, (_, count) => Buffer.from(answer.repeat(count), "latin1"))

const countRequests = (bytes: Buffer): number => {
  let count = 0
  let position = bytes.indexOf(requestEnd)
  while (position !== -1) {
    count += 1
    position = bytes.indexOf(requestEnd, position + requestEnd.length)
  }
  return count
}

const server = createServer((socket) => {
  socket.setNoDelay(true)
  socket.on("error", () => socket.destroy())
  socket.on("data", (bytes) => {
    const count = countRequests(bytes)
    socket.write(answers[count] ?? Buffer.from(answer.repeat(count), "latin1"))
  })
})

server.listen(listenOptions())

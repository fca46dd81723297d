import { once } from "node:events"
import { connect } from "node:net"
import { parseArgs } from "node:util"
import { longStreamPath } from "../servers/support/contract.ts"

/** Connects so many clients at once, each of which asks for 50 MB and reads nothing, and tells when all have asked. */
const { values } = parseArgs({ options: { port: { type: "string" }, clients: { type: "string" } } })
const request = `GET ${longStreamPath} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`

const askWithoutReading = async (): Promise<void> => {
  const socket = connect({ port: Number(values.port), host: "127.0.0.1" })
  socket.pause()
  // The server may give one up; the benchmark asks only how others fare.
  socket.on("error", () => socket.destroy())
  await once(socket, "connect")
  socket.write(request)
}

process.on("disconnect", () => process.exit())
await Promise.all(Array.from({ length: Number(values.clients) }, askWithoutReading))
process.send?.("asked")

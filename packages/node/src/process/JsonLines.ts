/** Messages between a server and its successor: a line of JSON for each. */
import type { Socket } from "node:net"

/** Reads what comes; a line that is no JSON is undefined. One of more characters than `longest` ends the connection. */
export const read = (socket: Socket, longest: number, onValue: (value: unknown) => void): void => {
  let rest = ""
  socket.setEncoding("utf8")
  socket.on("data", (text: string) => {
    const lines = `${rest}${text}`.split("\n")
    rest = lines.pop() ?? ""
    if (rest.length > longest) socket.destroy()
    for (const line of lines) onValue(parse(line))
  })
  // Its end is told in any case.
  socket.on("error", () => {})
}

const parse = (line: string): unknown => {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

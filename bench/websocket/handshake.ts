import { createHash, randomBytes } from "node:crypto"

/** RFC 6455 §1.3 */
const acceptSuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

const acceptOf = (key: string): string =>
  createHash("sha1")
    .update(key + acceptSuffix)
    .digest("base64")

/** The answer of a server that only does the least, to the head of a request in one piece. */
export const upgrade = (head: string): string => {
  const [, key = ""] = /^sec-websocket-key: *(\S+)/im.exec(head) ?? []
  return [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${acceptOf(key)}`,
    "\r\n"
  ].join("\r\n")
}

export interface Handshake {
  readonly request: string
  /** What is wrong with the head of the answer. */
  readonly problemWith: (head: string) => string | undefined
}

/** Offers no extension, so nothing is compressed. */
export const makeHandshake = (port: number): Handshake => {
  const key = randomBytes(16).toString("base64")
  const fields = [
    "GET / HTTP/1.1",
    `Host: 127.0.0.1:${port}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${key}`
  ]
  return {
    request: `${fields.join("\r\n")}\r\n\r\n`,
    problemWith: (head) => {
      const [status = "", ...lines] = head.split("\r\n")
      const names = lines.map((line) => line.slice(0, line.indexOf(":")).toLowerCase())
      const accept = lines[names.indexOf("sec-websocket-accept")]?.split(":")[1]?.trim()
      if (!status.startsWith("HTTP/1.1 101 ")) return `the handshake was answered with ${status}`
      if (accept !== acceptOf(key)) return `the handshake was answered with the wrong key ${accept}`
      if (names.includes("sec-websocket-extensions")) return "the server chose an extension that was not offered"
      return undefined
    }
  }
}

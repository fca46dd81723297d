/** A client of WebSockets that says something and waits for the echo. */
import { takeResponse } from "./Http1.ts"
import { type Ledger, seriesOf } from "./Ledger.ts"
import { open, type Place, type Wire } from "./Wire.ts"

const handshake = [
  "GET /echo HTTP/1.1",
  "Host: shop.example",
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "\r\n"
].join("\r\n")

const [text, close] = [0x81, 0x88]

/** A short frame, masked with zeros. */
const frame = (head: number, payload: Buffer): Buffer =>
  Buffer.concat([Buffer.from([head, 0x80 | payload.length, 0, 0, 0, 0]), payload])

const takeFrame = (
  buffer: Buffer
): readonly [number, { readonly head: number; readonly payload: Buffer }] | undefined => {
  const length = buffer[1]
  if (length === undefined || buffer.length < 2 + length) return undefined
  return [2 + length, { head: buffer[0] ?? 0, payload: buffer.subarray(2, 2 + length) }]
}

const message = Buffer.from("are you still there")

const messagesSeries = (direction: "receive" | "transmit"): string =>
  seriesOf("pagi_server_websocket_messages_total", { network_io_direction: direction })

export interface WebSocketLoad {
  readonly place: Place
  readonly ledger: Ledger
  readonly isWanted: () => boolean
  /** Messages of a session. */
  readonly messages: number
}

/** Has one session after the other. */
export const run = async (load: WebSocketLoad): Promise<void> => {
  while (load.isWanted()) {
    const wire = await open(load.place, load.ledger, "http/1.1")
    if (await begin(load, wire)) await talk(load, wire)
    await wire.closed()
    load.ledger.ended("websocket", "client_closed")
  }
}

/** Whether the server has accepted it; one that closes a connection with a handshake on its way has not. */
const begin = async ({ ledger }: WebSocketLoad, wire: Wire): Promise<boolean> => {
  wire.send(handshake)
  const response = await wire.next(takeResponse("GET"))
  if (response === undefined) return false
  if (response.status !== 101) throw new Error(response.head)
  wire.allWasRead()
  ledger.request({ method: "GET", version: "1.1", status: 101, kind: "websocket" })
  ledger.add("shop_answers_total")
  return true
}

const talk = async ({ ledger, messages }: WebSocketLoad, wire: Wire): Promise<void> => {
  for (let count = 0; count < messages; count++) {
    wire.send(frame(text, message))
    const echo = await wire.next(takeFrame)
    if (echo?.head !== text) {
      // The server goes away; what was said may have come, and may have been answered with what is not sent any more.
      ledger.maybe(messagesSeries("receive"))
      ledger.maybe(messagesSeries("transmit"))
      if (echo?.head === close) wire.send(frame(close, echo.payload))
      return
    }
    wire.allWasRead()
    ledger.add(messagesSeries("receive"))
    ledger.add(messagesSeries("transmit"))
  }
  wire.send(frame(close, Buffer.from([0x03, 0xe8])))
  const answer = await wire.next(takeFrame)
  if (answer?.head === close) wire.allWasRead()
}

/**
 * The ground of categories 12 and 13 of the Autobahn test suite: compressed echoes of messages of all sizes, whole and in
 * fragments, with all kinds of parameters.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { IncomingMessage } from "node:http"
import { makeMessage } from "./support/DeflatePeer.ts"
import { until } from "./support/Until.ts"
import { connect, type Message, type WebSocketClient } from "./support/WebSocketClient.ts"
import { describe as tell, echo, serveWebSocket } from "./support/WebSocketServer.ts"

const sizes = [16, 64, 256, 1024, 4096, 8192, 16_384, 32_768, 65_536, 131_072]

/** Characters of all lengths in UTF-8, 10 bytes in all. */
const unit = Buffer.from("ü世\u{1f600} ")

/** So many bytes of text in which fragments end within characters. */
const script = (size: number): Buffer => {
  const text = Buffer.alloc(size, " ")
  for (let start = 0; start + unit.length <= size; start += unit.length) unit.copy(text, start)
  return text
}

/** Of each kind one message, of so many bytes: text and bytes, which compress well, hardly, or not at all. */
const messagesOf = (size: number, seed: number): ReadonlyArray<Message> => [
  Buffer.from(makeMessage("text", size, seed)).toString(),
  script(size).toString(),
  Buffer.from(makeMessage("text", size, seed)),
  Buffer.from(makeMessage("noise", size, seed))
]

/** Small messages come in greater number, so that each has many before it to refer to. */
const roundsOf = (size: number): number => (size <= 1024 ? 8 : size <= 16_384 ? 3 : 2)

const batches = sizes.map((size) => Array.from({ length: roundsOf(size) }, (_, seed) => messagesOf(size, seed)).flat())

const totalSize = batches.flat().reduce((total, message) => total + Buffer.byteLength(message), 0)

const extension = (...parameters: ReadonlyArray<string>): string => ["permessage-deflate", ...parameters].join("; ")

const windows = (bits: number): ReadonlyArray<string> => [
  `server_max_window_bits=${bits}`,
  `client_max_window_bits=${bits}`
]

const forgetful = ["server_no_context_takeover", "client_no_context_takeover"] as const

/** What the client offers; the server takes it as it is. */
const offers: Readonly<Record<string, string>> = {
  "no parameters": extension(),
  "a server that forgets": extension("server_no_context_takeover"),
  "a client that forgets": extension("client_no_context_takeover"),
  "windows of 9 bits": extension(...windows(9)),
  "windows of 15 bits": extension(...windows(15)),
  "windows of 9 bits, which are forgotten": extension(...forgetful, ...windows(9)),
  "windows of 15 bits, which are forgotten": extension(...forgetful, ...windows(15))
}

/** A client with this offer in the place of the one that `ws` would make. */
const connectWith = (port: number, offer: string) =>
  connect(`ws://127.0.0.1:${port}`, {
    perMessageDeflate: { threshold: 0 },
    finishRequest: (request) => request.setHeader("Sec-WebSocket-Extensions", offer).end()
  })

/** Sends a message in so many fragments of the same size. */
const sendIn = (fragments: number, { socket }: WebSocketClient, message: Message): void => {
  const bytes = Buffer.from(message)
  const size = bytes.length / fragments
  for (let index = 0; index < fragments; index++) {
    const fragment = bytes.subarray(index * size, (index + 1) * size)
    socket.send(fragment, { binary: typeof message !== "string", fin: index === fragments - 1 })
  }
}

const equals = (one: Message | undefined, other: Message): boolean =>
  typeof one === "string" || typeof other === "string" || one === undefined ? one === other : one.equals(other)

/** Sends all messages of a size and has them come back. */
const exchange = Effect.fnUntraced(function* (
  client: WebSocketClient,
  batch: ReadonlyArray<Message>,
  fragments: number
) {
  for (const message of batch) sendIn(fragments, client, message)
  yield* client.received(batch.length)
  const echoed = client.messages.splice(0)
  assert.strictEqual(echoed.length, batch.length)
  for (const [index, message] of batch.entries()) {
    assert.isTrue(equals(echoed[index], message), `message ${index} of ${Buffer.byteLength(message)} bytes`)
  }
})

/** Has all messages come back with these parameters, and closes. */
const converse = Effect.fnUntraced(function* (offer: string, agreed: string, fragments: number) {
  const notes: Array<string> = []
  const handler = echo((event) => {
    if (event.type === "websocket.disconnect") notes.push(tell(event))
  })
  const { port } = yield* serveWebSocket(handler, { maxWsFrameSize: 0, perMessageDeflate: true })
  const client = yield* connectWith(port, offer)
  const responses: Array<IncomingMessage> = []
  client.socket.on("upgrade", (response) => responses.push(response))
  yield* client.opened
  assert.strictEqual(responses[0]?.headers["sec-websocket-extensions"], agreed)

  for (const batch of batches) yield* exchange(client, batch, fragments)
  assert.isBelow(responses[0]?.socket.bytesRead ?? Number.NaN, totalSize / 2, "echoes are compressed")

  client.socket.close(1000)
  yield* client.ended
  assert.deepStrictEqual(client.closed, { code: 1000, reason: "" })
  yield* until("the application learns of the end", () => notes.length > 0)
  assert.deepStrictEqual(notes, ["disconnect 1000"])
})

describe("12 and 13: compressed messages of 16 bytes to 128 KiB come back", () => {
  for (const [manner, fragments] of [
    ["whole", 1],
    ["in 8 fragments", 8]
  ] as const) {
    for (const [name, offer] of Object.entries(offers)) {
      it.live(`${manner}, with ${name}`, () => converse(offer, offer, fragments))
    }
  }

  it.live("with the first of several offers that can be kept, which one for a window of 8 bits is not", () => {
    // Raw deflate of zlib has no such window.
    const declined = extension("server_max_window_bits=8")
    const agreed = extension("server_no_context_takeover", "server_max_window_bits=9")
    return converse([declined, agreed, extension()].join(", "), agreed, 1)
  })
})

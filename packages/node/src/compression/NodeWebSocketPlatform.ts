import { toBytes } from "@pagi/core/bytes/ByteString"
import type { WebSocketPlatform } from "@pagi/websocket/WebSocketPlatform"
import { hash } from "node:crypto"
import { WebSocketCompression } from "./WebSocketCompression.ts"

/** SHA-1 and compression for WebSocket sessions, by Node's own modules. */
export const webSocketPlatform: WebSocketPlatform = {
  digest: (text) => hash("sha1", toBytes(text), "base64"),
  makeCompression: (parameters) => new WebSocketCompression(parameters)
}

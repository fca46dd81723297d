import { assert, describe, it } from "@effect/vitest"
import { createHash } from "node:crypto"
import { webSocketPlatform } from "../../src/compression/NodeWebSocketPlatform.ts"
import { compress, decompress, defaults } from "../support/DeflatePeer.ts"
import { WebSocketCompression } from "../../src/compression/WebSocketCompression.ts"

describe("the platform of WebSocket sessions", () => {
  it("digests the example of RFC 6455 §1.3", () => {
    assert.strictEqual(
      webSocketPlatform.digest("dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11"),
      "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    )
  })

  it("digests bytes, not their UTF-8", () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, code) => code)
    assert.strictEqual(
      webSocketPlatform.digest(String.fromCharCode(...bytes)),
      createHash("sha1").update(bytes).digest("base64")
    )
  })

  it("makes a compression", async () => {
    const compression = webSocketPlatform.makeCompression(defaults)
    assert.instanceOf(compression, WebSocketCompression)
    const message = Buffer.from("Hello")
    assert.deepStrictEqual(await decompress(compression, await compress(compression, message)), new Uint8Array(message))
    compression.close()
  })
})

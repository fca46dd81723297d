import type { ByteString } from "@pagi/core/bytes/ByteString"
import { listElements } from "@pagi/core/http/CommaList"
import type { HeaderBlock } from "@pagi/core/http/HeaderBlock"
import type { ServerContext } from "@pagi/core/server/ServerContext"
import type {
  OpenWebSocket,
  UpgradedConnection,
  UpgradeRequest,
  WebSocketHandshake,
  WebSocketUpgrade
} from "@pagi/core/exchange/WebSocketUpgrade"
import { acceptKeyInput, type Handshake, readHandshake, responseFields } from "./protocol/Handshake.ts"
import { type DeflateParameters, negotiate } from "./protocol/PerMessageDeflate.ts"
import type { WebSocketPlatform } from "./WebSocketPlatform.ts"
import { WebSocketSession } from "./WebSocketSession.ts"
import { makeSettings, type WebSocketSettings } from "./WebSocketSettings.ts"

/** A handshake that waits for the application's word. */
class PendingHandshake implements WebSocketHandshake {
  readonly type = "handshake"
  readonly #settings: WebSocketSettings
  readonly #handshake: Handshake
  readonly #compression: { readonly parameters: DeflateParameters; readonly field: ByteString } | undefined

  constructor(settings: WebSocketSettings, handshake: Handshake) {
    const { extensions } = handshake
    const mayCompress = settings.server.options.perMessageDeflate && extensions !== undefined
    this.#settings = settings
    this.#handshake = handshake
    this.#compression = mayCompress ? negotiate(extensions) : undefined
  }

  get subprotocols(): ReadonlyArray<string> {
    return this.#handshake.subprotocols
  }

  accept(subprotocol: string | undefined, headers: HeaderBlock): HeaderBlock {
    const { key } = this.#handshake
    const accept = key === undefined ? undefined : this.#settings.platform.digest(acceptKeyInput(key))
    return [...responseFields(accept, subprotocol, this.#compression?.field), ...headers]
  }

  open(connection: UpgradedConnection): OpenWebSocket {
    const parameters = this.#compression?.parameters
    const compression = parameters && this.#settings.platform.makeCompression(parameters)
    const sharedBits = parameters?.serverNoContextTakeover === true ? parameters.serverMaxWindowBits : undefined
    return new WebSocketSession(this.#settings, connection, compression, sharedBits)
  }
}

/** Whether an HTTP/1.1 request asks for this protocol among others; an extended CONNECT has been told apart before. */
const asksForWebSocket = ({ httpVersion, upgrade = "" }: UpgradeRequest): boolean =>
  httpVersion === "2" || listElements(upgrade).includes("websocket")

/** The WebSocket protocol for the drivers of a server. */
export const make = (server: ServerContext, platform: WebSocketPlatform): WebSocketUpgrade => {
  const settings = makeSettings(server, platform)
  return {
    read: (request) => {
      if (!asksForWebSocket(request)) return undefined
      const handshake = readHandshake(request)
      return "type" in handshake ? handshake : new PendingHandshake(settings, handshake)
    }
  }
}

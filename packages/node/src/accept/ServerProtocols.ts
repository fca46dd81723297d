import type { ListenerFibers } from "@pagi/core/server/ConnectionFibers"
import type { ServerContext } from "@pagi/core/server/ServerContext"
import type { Values } from "@pagi/core/options/ServerOptions"
import type { Transport } from "@pagi/core/transport/Transport"
import * as WebSocketUpgrade from "@pagi/websocket/WebSocketUpgrade"
import { webSocketPlatform } from "../compression/NodeWebSocketPlatform.ts"
import { Detection, type Recogniser } from "./Detection.ts"
import type { PreparedProtocol, Protocol, ProtocolParts } from "./Protocol.ts"
import type { ProtocolTable } from "./Protocols.ts"

/** The rows for a server with these options, without the fallback. */
const chosenBy = ({ chosen }: ProtocolTable, options: Values): ReadonlyArray<Protocol> =>
  chosen.filter(({ isOn }) => isOn === undefined || isOn(options))

/** What a server with these options offers by ALPN, in its order of preference. */
export const alpnNames = (table: ProtocolTable, options: Values): ReadonlyArray<string> =>
  [...chosenBy(table, options), table.fallback].filter(({ isOffered }) => isOffered !== false).map(({ alpn }) => alpn)

/** A row of which the first bytes tell. */
interface Recognisable {
  readonly recognises: NonNullable<Protocol["recognises"]>
  readonly protocol: PreparedProtocol
}

/** The protocols of one server: opens connections with the one that a client speaks. */
export class ServerProtocols implements Recogniser {
  readonly server: ServerContext
  /** What is offered by ALPN, in the order of preference. */
  readonly alpn: ReadonlyArray<string>
  readonly fallback: PreparedProtocol
  readonly #byName = new Map<string, PreparedProtocol>()
  readonly #recognisable: Array<Recognisable> = []

  constructor(table: ProtocolTable, server: ServerContext, fibers: ListenerFibers) {
    const parts: ProtocolParts = { server, fibers, webSocket: WebSocketUpgrade.make(server, webSocketPlatform) }
    this.server = server
    this.alpn = alpnNames(table, server.options)
    this.fallback = table.fallback.prepare(parts)
    for (const { alpn, prepare, recognises } of chosenBy(table, server.options)) {
      const protocol = prepare(parts)
      this.#byName.set(alpn, protocol)
      if (recognises !== undefined) this.#recognisable.push({ recognises, protocol })
    }
  }

  /** The protocol that was chosen by this name; the fallback without one. */
  named(alpn: string | undefined): PreparedProtocol {
    return (alpn === undefined ? undefined : this.#byName.get(alpn)) ?? this.fallback
  }

  /** Opens a connection of which only the first bytes tell what is spoken on it. */
  detect(transport: Transport): void {
    if (this.#recognisable.length === 0) this.fallback.open(transport)
    else new Detection(this, transport)
  }

  recognise(bytes: Uint8Array): PreparedProtocol | undefined {
    for (const { protocol, recognises } of this.#recognisable) {
      const answer = recognises(bytes)
      // One that cannot tell yet comes before those that follow.
      if (answer !== false) return answer === true ? protocol : undefined
    }
    return this.fallback
  }
}

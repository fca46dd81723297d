import type { Address } from "@pagi/core/contract/Address"
import type { AcceptedSocket } from "../listen/SharedRead.ts"
import type { Proxied } from "../proxyProtocol/Header.ts"
import { hostOf } from "../tls/ServerName.ts"
import { NetTransport } from "./NetTransport.ts"
import type { TurnQueue } from "./TurnQueue.ts"

/** A connection from a proxy that has said whose it is: both ends are those that the client's connection to it has. */
export class ProxiedTransport extends NetTransport {
  readonly #proxied: Proxied
  readonly #isUnix: boolean

  /** @param listening where the proxy has connected to */
  constructor(accepted: AcceptedSocket, listening: Address | undefined, turns: TurnQueue, proxied: Proxied) {
    super(accepted, proxied.server, turns)
    this.#proxied = proxied
    this.#isUnix = listening?.[1] === null
  }

  override get client(): Address | undefined {
    return this.#proxied.client
  }

  /** Whether the client speaks TLS, be it with the proxy. */
  override get secure(): boolean {
    return this.#proxied.secure || this.isEncrypted
  }

  get isDecrypted(): boolean {
    return !this.isEncrypted
  }

  /** With a certificate, a client has got access to the host only that it has asked for, here as at the proxy. */
  override get expectedHost(): string | undefined {
    const { authority, hasCertificate } = this.#proxied
    return super.expectedHost ?? (hasCertificate && authority !== undefined ? hostOf(authority) : undefined)
  }

  /** Whoever has come to the proxy by a Unix socket is nobody that an option of this server could name. */
  get hasUnknownClient(): boolean {
    return this.#proxied.client === undefined
  }

  protected override get isUnix(): boolean {
    return this.#isUnix
  }
}

/** A connection from a proxy that has not said whose it is. */
export class UnknownTransport extends NetTransport {
  readonly hasUnknownClient = true
}

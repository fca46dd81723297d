import type { TlsExtension } from "@pagi/core/contract/TlsExtension"
import { X509Certificate } from "node:crypto"
import type { Socket } from "node:net"
import type { DetailedPeerCertificate, TLSSocket } from "node:tls"
import { numberOf } from "./CipherSuites.ts"
import { hostOf } from "./ServerName.ts"

const versions: Readonly<Record<string, number>> = { "TLSv1.2": 0x0303, "TLSv1.3": 0x0304 }

/** What a transport needs to know about the TLS below it. */
export class TlsConnection {
  /** The socket that carries the encrypted bytes. */
  readonly carrier: Socket
  /**
   * The name that a client has asked for that was also asked for a certificate: it has got, or not got, access to that
   * name only.
   */
  readonly expectedHost: string | undefined
  readonly #socket: TLSSocket
  readonly #asksClients: boolean
  readonly #certificate: string
  #extension: TlsExtension | undefined = undefined

  /** @param certificateFor the certificate that the server sends to clients that ask for a name */
  constructor(
    socket: TLSSocket,
    carrier: Socket,
    asksClients: boolean,
    certificateFor: (name: string | undefined) => string
  ) {
    const { servername } = socket as { readonly servername?: unknown } // Declared for clients only.
    const name = typeof servername === "string" ? servername : undefined
    this.carrier = carrier
    this.expectedHost = asksClients && name !== undefined ? hostOf(name) : undefined
    this.#socket = socket
    this.#asksClients = asksClients
    this.#certificate = certificateFor(name)
  }

  /** What scopes tell about the connection; found out when the first of them is made. */
  get extension(): TlsExtension {
    return (this.#extension ??= this.#describe())
  }

  #describe(): TlsExtension {
    const socket = this.#socket
    const chain = this.#asksClients ? chainOf(socket) : []
    const [client] = chain
    return {
      // Not asked of the socket: to make a certificate again for each connection costs a tenth of a handshake.
      serverCert: this.#certificate,
      clientCertChain: chain.map(String),
      clientCertName: client === undefined ? null : distinguishedName(client.subject),
      clientCertError: client === undefined ? null : verificationErrorOf(socket),
      tlsVersion: versions[socket.getProtocol() ?? ""] ?? null,
      cipherSuite: numberOf((socket.getCipher() as { readonly name: string } | undefined)?.name ?? "") // None when closed.
    }
  }
}

/** Why the client's certificate is not to be trusted; without one there may be a reason too. */
export const verificationErrorOf = (socket: TLSSocket): string | null => {
  const { authorizationError } = socket as { readonly authorizationError: unknown } // A code, whatever its type says.
  return typeof authorizationError === "string" ? authorizationError : null
}

/** The client's certificate and those above it, as far as it sent them or the server has them. */
const chainOf = (socket: TLSSocket): ReadonlyArray<X509Certificate> => {
  const chain: Array<X509Certificate> = []
  let { issuerCertificate: issuer, raw }: Partial<DetailedPeerCertificate> = socket.getPeerCertificate(true)
  while (raw !== undefined) {
    chain.push(new X509Certificate(raw))
    // An authority that has certified itself is its own issuer.
    const next: DetailedPeerCertificate | undefined = issuer?.raw === raw ? undefined : issuer
    raw = next?.raw
    issuer = next?.issuerCertificate
  }
  return chain
}

/**
 * Writes a subject as RFC 4514 does. Node has one line for each relative name, outermost first, and its values are
 * escaped already; RFC 4514 begins with the innermost. A plus sign between spaces is never part of a value.
 */
export const distinguishedName = (subject: string): string =>
  subject.trim().split("\n").toReversed().join(",").replaceAll(" + ", "+")

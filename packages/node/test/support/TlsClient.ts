import * as Effect from "effect/Effect"
import type * as EffectScope from "effect/Scope"
import { connect as connectTcp, type Socket } from "node:net"
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls"
import { certificates } from "../../../../test/support/Certificates.ts"
import { Client, type ConnectOptions } from "./Client.ts"

/** The other end of an encrypted connection. */
export class TlsClient extends Client {
  declare readonly socket: TLSSocket
  host = "localhost"

  override get(path = "/", headers = ""): void {
    this.send(`GET ${path} HTTP/1.1\r\nHost: ${this.host}\r\n${headers}\r\n`)
  }
}

export interface TlsOptions extends ConnectOptions, Omit<ConnectionOptions, keyof ConnectOptions | "socket"> {
  /** A connection that there is already, instead of a new one. */
  readonly carrier?: Socket
}

export const testCertificates = Effect.promise(certificates)

/** Connects to `localhost` by TLS, trusting the authority of the tests; fails with the code of what went wrong. */
export const openTls = (
  port: number,
  { allowHalfOpen = false, carrier: given, ...options }: TlsOptions = {}
): Effect.Effect<TlsClient, string, EffectScope.Scope> =>
  Effect.flatMap(testCertificates, ({ authority }) =>
    Effect.acquireRelease(
      Effect.callback<TlsClient, string>((resume) => {
        // Node lets an encrypted socket stay half open only if the one below it is.
        const carrier = given ?? connectTcp({ host: "127.0.0.1", port, allowHalfOpen })
        const socket = connect({ socket: carrier, servername: "localhost", ca: authority.cert, ...options })
        const client = new TlsClient(socket)
        client.host = options.servername ?? client.host
        socket.once("secureConnect", () => resume(Effect.succeed(client)))
        socket.once("close", () => resume(Effect.fail(client.errorCode ?? "closed")))
      }),
      (client) => Effect.sync(() => client.socket.destroy())
    )
  )

/** What a server is told to speak TLS with. */
export const serverTls = Effect.map(testCertificates, ({ server }) => ({ cert: server.certPath, key: server.keyPath }))

import type { Application, HttpHandler } from "@pagi/core/PagiApp"
import * as PagiApp from "@pagi/core/PagiApp"
import type * as ServerOptions from "@pagi/core/ServerOptions"
import * as Effect from "effect/Effect"
import type * as EffectScope from "effect/Scope"
import { join } from "node:path"
import { type HttpClient, openHttp1, openHttp2, type Target } from "./HttpSuiteClient.ts"
import { serve, type TestServer } from "./Server.ts"
import { temporaryFolder } from "../../../../test/support/TemporaryFolder.ts"
import { serverTls, testCertificates } from "./TlsClient.ts"

/** A server, and a client of it. */
export interface Served {
  readonly server: TestServer
  readonly client: HttpClient
}

/** A version of HTTP, and what it goes over. */
export interface Way {
  readonly version: "1.1" | "2"
  readonly over: "TCP" | "a Unix socket" | "TLS"
}

export const ways: ReadonlyArray<Way> = (["1.1", "2"] as const).flatMap((version) =>
  (["TCP", "a Unix socket", "TLS"] as const).map((over) => ({ version, over }))
)

/** Starts a server that is reached in this way. */
export const serveTarget = <E, R>(
  { over }: Pick<Way, "over">,
  application: Application<E, R>,
  options: ServerOptions.Input = {}
) =>
  Effect.gen(function* () {
    switch (over) {
      case "TCP": {
        const server = yield* serve(application, options)
        return { server, target: tcpTarget(server.port) }
      }
      case "a Unix socket": {
        const path = join(yield* temporaryFolder, "app.sock")
        const target: Target = { address: { path } }
        return { server: yield* serve(application, { ...options, socket: path }), target }
      }
      case "TLS": {
        const server = yield* serve(application, { ...options, tls: yield* serverTls })
        const { authority } = yield* testCertificates
        return { server, target: { ...tcpTarget(server.port), ca: authority.cert } }
      }
    }
  })

export const tcpTarget = (port: number): Target => ({ address: { host: "127.0.0.1", port } })

/** Starts a server with a client of this way. */
export const serveWay = <E, R>(
  way: Way,
  application: Application<E, R>,
  options?: ServerOptions.Input
): Effect.Effect<Served, unknown, R | EffectScope.Scope> =>
  Effect.gen(function* () {
    const { server, target } = yield* serveTarget(way, application, options)
    const client = yield* way.version === "2" ? openHttp2(target) : openHttp1(target)
    return { server, client }
  })

/** The same for an application of HTTP only. */
export const serveHttpWay = <E, R>(way: Way, http: HttpHandler<E, R>, options?: ServerOptions.Input) =>
  serveWay(way, PagiApp.make({ http }), options)

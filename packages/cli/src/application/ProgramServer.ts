/**
 * The server that Effects and Layers of a module find, before it listens: what `NodeHttpServer.layer` provides. This loads
 * Effect's HTTP modules, so it is imported for them only.
 */
import type * as NodeServices from "@effect/platform-node/NodeServices"
import type { Application } from "@pagi/core/contract/PagiApp"
import { HttpServers } from "@pagi/core/httpEffect/HttpServers"
import type { Endpoint, TcpEndpoint } from "@pagi/core/options/Endpoint"
import * as FilePlatform from "@pagi/node/files/FilePlatform"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Etag from "effect/http/Etag"
import type { HttpPlatform } from "effect/http/HttpPlatform"
import * as HttpServer from "effect/http/HttpServer"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import type { HttpServerResponse } from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { lookup } from "node:dns/promises"
import * as OwnHttpEffect from "./OwnHttpEffect.ts"

/** What a program is given to serve with. */
export type Services = HttpServer.HttpServer | NodeServices.NodeServices | HttpPlatform | Etag.Generator

/** Where what a module exports may begin to serve. */
export interface ProgramServer {
  readonly services: Context.Context<Services>
  /** Whether it has begun. */
  readonly isServing: () => boolean
  /** Answers every request by this program, as if it had been given to `HttpServer.serve`. */
  readonly serve: (
    program: Effect.Effect<HttpServerResponse, unknown, HttpServerRequest | Scope.Scope>
  ) => Effect.Effect<void, never, Scope.Scope>
  /** What a server runs, from now on until the scope closes: before what the program has acquired is released. */
  readonly begin: Effect.Effect<Application, never, Scope.Scope>
}

const ended = "the application has ended what it served by; from now on requests are answered with 503"

/**
 * Makes a server for the module at a path.
 *
 * @param endpoint where the server will listen first
 */
export const make = (path: string, endpoint: Endpoint): Effect.Effect<ProgramServer, never, Scope.Scope> =>
  Effect.gen(function* () {
    let hasBegun = false
    const onLastEnd = Effect.suspend(() => (hasBegun ? Effect.logError(ended) : Effect.void))
    const servers = new HttpServers(onLastEnd, yield* OwnHttpEffect.toHandledOf(path))
    const server = servers.service(yield* addressOf(endpoint))
    return {
      services: Context.add(yield* Layer.build(FilePlatform.layer), HttpServer.HttpServer, server),
      isServing: () => servers.isServing,
      serve: server.serve,
      begin: Effect.suspend(() => {
        hasBegun = true
        return Effect.as(
          // The server has ended by then.
          Effect.addFinalizer(() => servers.close),
          servers.application
        )
      })
    }
  })

/** The address of an endpoint; its port is 0 where the system is to pick one, which it does later. */
const addressOf = (endpoint: Endpoint): Effect.Effect<NetAddress.SocketAddress> =>
  endpoint._tag === "Unix"
    ? Effect.succeed(NetAddress.unixPathAddress(endpoint.path))
    : // A host is found as an address, and ports have been checked.
      Effect.map(hostOf(endpoint), (host) => Result.getOrThrow(NetAddress.inetAddressFromIpString(host, endpoint.port)))

/** The IP address of a host, without the zone of one. That there is none is told by whoever wants to listen there. */
const hostOf = ({ host }: TcpEndpoint): Effect.Effect<string> =>
  Effect.promise(() =>
    lookup(host).then(
      ({ address }) => address.replace(/%.*/, ""),
      () => "0.0.0.0"
    )
  )

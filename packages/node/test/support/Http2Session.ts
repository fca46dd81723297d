import type { HttpHandler } from "@pagi/core/PagiApp"
import * as PagiApp from "@pagi/core/PagiApp"
import type * as ServerOptions from "@pagi/core/ServerOptions"
import * as Effect from "effect/Effect"
import type { ClientHttp2Session, Settings } from "node:http2"
import { clientOf, type HttpClient, openSession } from "./HttpSuiteClient.ts"
import { serveTarget, type Way } from "./HttpSuiteWay.ts"
import type { TestServer } from "./Server.ts"

interface Connected {
  readonly server: TestServer
  readonly session: ClientHttp2Session
  readonly client: HttpClient
}

/** A server with a session of Node's client, which is the oracle here: it is built on nghttp2. */
export const connect = (
  handler: HttpHandler<unknown>,
  options: { readonly over?: Way["over"]; readonly server?: ServerOptions.Input; readonly client?: Settings } = {}
) =>
  Effect.gen(function* () {
    const application = PagiApp.make({ http: handler })
    const { server, target } = yield* serveTarget({ over: options.over ?? "TCP" }, application, options.server)
    const session = yield* openSession(target, options.client)
    const connected: Connected = { server, session, client: clientOf(session, target) }
    return connected
  })

/** Numbers that a seed determines. */
export const random = (seed: number): ((limit: number) => number) => {
  let state = seed + 1
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
}

export const range = (count: number) => Array.from({ length: count }, (_, index) => index)

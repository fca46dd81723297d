/** Opens the admin listener: this very server with an application of its own, which is not counted, logged or traced. */
import * as PagiApp from "@pagi/core/contract/PagiApp"
import { type Endpoint, format } from "@pagi/core/options/Endpoint"
import { make as makeOptions, ServerOptions } from "@pagi/core/options/ServerOptions"
import { Observer } from "@pagi/core/observe/Observer"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { MinimumLogLevel } from "effect/References"
import * as Scope from "effect/Scope"
import { statSync } from "node:fs"
import { FirstConnection } from "../accept/FirstConnection.ts"
import { GivesWay } from "../accept/GivesWay.ts"
import { MoreListeners } from "../accept/Listener.ts"
import { codeOf, ListenError, ofOption } from "../accept/ListenError.ts"
import { type Inheritance, InheritedSockets, none, passOn } from "../listen/InheritedSockets.ts"
import { WorkerIdentity } from "../process/WorkerIdentity.ts"
import { make as makeApp, type Page } from "./AdminApp.ts"
import type { AdminSource } from "./AdminSource.ts"
import * as PageFiles from "./PageFiles.ts"

/** What the listener needs of a server that it is made of; `PagiServer` has it. */
interface AdminServer {
  readonly listeners: ReadonlyArray<{ readonly url: string }>
  readonly shutdown: Effect.Effect<void, unknown>
}

export interface AdminParts<E> {
  readonly endpoint: Endpoint
  readonly token: string | undefined
  readonly source: AdminSource
  /** The socket, where somebody has bound it already. */
  readonly inheritance?: Inheritance | undefined
  /** Starts a server. */
  readonly serve: Effect.Effect<AdminServer, E, PagiApp.PagiApp | ServerOptions | Scope.Scope>
}

/** An admin listener that answers. */
export interface AdminListener {
  readonly url: string
  /** Ends it before its scope does: what is being answered is finished first, and event streams end. */
  readonly close: Effect.Effect<void>
}

/** Clients and time limits of a listener that few use: who does not read what he has asked for goes soon. */
const limits = {
  maxConnections: 100,
  maxBodySize: 65_536,
  headersTimeout: "10 seconds",
  bodyTimeout: "10 seconds",
  writeTimeout: "10 seconds",
  disconnectGrace: "1 second",
  shutdownTimeout: "1 second"
} as const

/** Without HTTP/2, in which one connection could hold as much as a hundred others. */
const quiet = { accessLog: "off", quiet: true, lifespan: "off", http2: false } as const

/** Listens, and answers from now on until the scope closes. Fails with a `ListenError` that names the option. */
export const open = <E>(parts: AdminParts<E>): Effect.Effect<AdminListener, ListenError | E, Scope.Scope> =>
  Effect.gen(function* () {
    const { endpoint, inheritance, serve, source, token } = parts
    const host = endpoint._tag === "Tcp" ? endpoint.host : undefined
    const scope = yield* Scope.fork(yield* Effect.scope)
    const application = yield* Scope.provide(makeApp({ host, token, source, page: yield* page }), scope)
    // Its values are allowed: those above, and an endpoint that was accepted.
    const options = yield* Effect.orDie(makeOptions({ ...limits, ...quiet, listen: [endpoint] }))
    const app = PagiApp.PagiApp.of({
      // The server gives every exchange a scope, which is all that it requires.
      application: application as PagiApp.Application<unknown, never>,
      context: Context.empty()
    })
    const server = yield* Scope.provide(serve, scope).pipe(
      Effect.provideService(PagiApp.PagiApp, app),
      Effect.provideService(ServerOptions, options),
      Effect.provideService(InheritedSockets, passOn(inheritance ?? none)),
      Effect.provideService(WorkerIdentity, undefined),
      Effect.provideService(MoreListeners, []),
      Effect.provideService(FirstConnection, undefined),
      Effect.provideService(GivesWay, true),
      Effect.provideService(Observer, undefined),
      Effect.provideService(MinimumLogLevel, "Warn"),
      Effect.mapError((error) => (error instanceof ListenError ? ofOption(error, "admin") : error))
    )
    const [listener] = server.listeners
    const url = listener?.url ?? format(endpoint)
    yield* Effect.logInfo(`the admin listener is at ${url}`)
    if (token === undefined && isPublic(endpoint)) yield* Effect.logWarning(publicWarning(url))
    if (inheritance?.sockets.some(({ isForeign }) => isForeign) === true && isOpenToAll(endpoint)) {
      yield* Effect.logWarning(openWarning(url, source))
    }
    // That there was something to interrupt is no news: event streams go on for ever.
    return { url, close: Effect.ignore(server.shutdown) }
  })

/** Whether other machines can reach it, as far as its address tells; a name may be that of any address. */
const isPublic = (endpoint: Endpoint): boolean =>
  endpoint._tag === "Tcp" && !/^(?:127\.|localhost$|::1$|::ffff:127\.)/i.test(endpoint.host)

const publicWarning = (url: string): string =>
  `other machines may be able to reach ${url}, and there is no adminToken: who can reach it can read all that it tells`

/** Whether every user of the machine can open it: for sockets that systemd has made, which has that as its default. */
const isOpenToAll = (endpoint: Endpoint): boolean => {
  try {
    return endpoint._tag === "Unix" && (statSync(endpoint.path).mode & 0o002) !== 0
  } catch {
    return false
  }
}

const openWarning = (url: string, { commands }: AdminSource): string =>
  `every user of this machine can open ${url} and read all that it tells` +
  `${commands === undefined ? "" : ", and give commands"}: set SocketMode=0600 in the unit of the socket`

/** The files of the dashboard. Everything else is told without them too. */
const page: Effect.Effect<Page> = Effect.catch(
  Effect.try({ try: (): Page => ({ files: PageFiles.read(), headers: PageFiles.headers }), catch: codeOf }),
  (code) => Effect.as(Effect.logError(`the dashboard cannot be shown, as its files cannot be read: ${code}`), noPage)
)

const noPage: Page = { files: new Map(), headers: [] }

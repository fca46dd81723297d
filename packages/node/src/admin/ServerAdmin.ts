/** The part of a server that is for its administrator; loaded by servers that have the option `admin`. */
import { HealthChecks } from "@pagi/core/health/HealthChecks"
import type { Observer } from "@pagi/core/observe/Observer"
import type { ServerLoad } from "@pagi/core/observe/ServerLoad"
import { adminEndpoint } from "@pagi/core/options/Endpoint"
import type { Values } from "@pagi/core/options/ServerOptions"
import type { Readiness } from "@pagi/core/contract/Scope"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { ListenError } from "../accept/ListenError.ts"
import type { InheritedSocket } from "../listen/InheritedSocket.ts"
import { none } from "../listen/InheritedSockets.ts"
import { ServerMode } from "../process/ServerMode.ts"
import type { WorkerIdentity } from "../process/WorkerIdentity.ts"
import * as AdminListener from "./AdminListener.ts"
import * as SingleSource from "./SingleSource.ts"
import * as Telemetry from "./Telemetry.ts"

export interface ServerAdminParts<E> extends Pick<AdminListener.AdminParts<E>, "serve"> {
  readonly options: Values
  readonly worker: WorkerIdentity | undefined
  readonly load: ServerLoad
  /** A socket that somebody has bound for the admin listener. */
  readonly sockets: ReadonlyArray<InheritedSocket>
}

/** What a server tells about itself as it comes to know it. */
export interface ServerAdmin {
  /** Listens to the server. */
  readonly observer: Observer | undefined
  /** Where its listener answers, if it has one. */
  readonly url: string | undefined
  /** The server listens. */
  readonly serving: (listeners: ReadonlyArray<string>, readiness: Readiness) => void
  /** The server has been told to stop. */
  readonly stopping: () => void
}

/** How far a server has come. */
interface State {
  phase: "starting" | "serving" | "stopping"
  listeners: ReadonlyArray<string>
  readiness: Readiness
  adminUrl: string | undefined
}

/**
 * Opens the admin listener of a server in one process, which answers while that starts, and until the scope closes: it is
 * to be opened before everything that the scope closes earlier. The listener of a worker is its parent's, who is told.
 */
export const open = <E>(parts: ServerAdminParts<E>): Effect.Effect<ServerAdmin, ListenError | E, Scope.Scope> =>
  Effect.gen(function* () {
    const { load, options, serve, sockets, worker } = parts
    const telemetry = yield* Telemetry.make(options)
    const { observer } = telemetry
    const endpoint = adminEndpoint(options)
    if (worker !== undefined || endpoint === undefined) {
      const { registry } = telemetry
      const now = yield* Clock.clockWith((clock) => Effect.succeed(() => clock.currentTimeMillisUnsafe()))
      const takeRecent = () => (telemetry.recent.isChanged ? telemetry.recent.take(now()) : undefined)
      worker?.watch?.({ registry, takeRecent, checks: yield* HealthChecks })
      return { observer, url: undefined, serving: ignore, stopping: ignore }
    }
    const state: State = { phase: "starting", listeners: [], readiness: { isReady: false }, adminUrl: undefined }
    const source = yield* SingleSource.make({
      mode: yield* ServerMode,
      options,
      telemetry,
      checks: yield* HealthChecks,
      phase: () => state.phase,
      isReady: () => state.readiness.isReady,
      listeners: () => state.listeners,
      adminUrl: () => state.adminUrl,
      requests: () => load.requests,
      connections: () => load.connections
    })
    const inheritance = { ...none, sockets }
    const { url } = yield* AdminListener.open({ endpoint, token: options.adminToken, source, inheritance, serve })
    state.adminUrl = url
    return {
      observer,
      url,
      serving: (listeners: ReadonlyArray<string>, readiness: Readiness) => {
        Object.assign(state, { phase: "serving", listeners, readiness })
      },
      stopping: () => {
        state.phase = "stopping"
      }
    }
  })

const ignore = (): void => {}

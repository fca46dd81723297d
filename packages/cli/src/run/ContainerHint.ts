/** What the first process of a container says that listens where nobody outside of it can connect. */
import * as Endpoint from "@pagi/core/options/Endpoint"
import * as Effect from "effect/Effect"
import { Launch } from "../service/Launch.ts"

/** Addresses that a container has for itself. */
const loopback = /^(?:127\.\d+\.\d+\.\d+|::1|localhost)$/i

/** The hint; nothing for a server that listens elsewhere too, or that was given sockets. */
export const of = (
  options: Endpoint.EndpointOptions,
  environment: NodeJS.ProcessEnv = process.env
): string | undefined => {
  if (environment["LISTEN_FDS"] !== undefined || environment["PAGI_REUSE"] !== undefined) return undefined
  const endpoints = Endpoint.endpoints(options)
  const isReached = endpoints.some((endpoint) => endpoint._tag !== "Tcp" || !loopback.test(endpoint.host))
  if (isReached) return undefined
  const way = options.listen === undefined ? "--host 0.0.0.0 (PAGI_HOST)" : "--listen 0.0.0.0:PORT (PAGI_LISTEN)"
  const places = endpoints.map(Endpoint.format).join(" and ")
  return `${places} cannot be reached from outside of this container; ${way} listens on all of its addresses`
}

/** Tells it, in a container. */
export const tell = (options: Endpoint.EndpointOptions): Effect.Effect<void, never, Launch> =>
  Effect.flatMap(Launch, ({ isFirst }) => {
    const hint = isFirst ? of(options) : undefined
    return hint === undefined ? Effect.void : Effect.logInfo(hint)
  })

/** Options that do not go together, and such as do nothing without another one. */
import * as Endpoint from "./Endpoint.ts"

/** Requests that may wait by default, where any have to. */
export const defaultQueuedRequests = 100

/** Bytes of content from which on it is worth while to compress it. What is shorter mostly fits into one packet. */
export const defaultCompressSize = 1024

/** As much of a server's options as is looked at here. */
export interface CombinedOptions extends Endpoint.EndpointOptions {
  readonly admin: Endpoint.Endpoint | undefined
  readonly adminToken: string | undefined
  readonly workers: number | "auto"
  readonly minWorkers: number
  readonly maxWorkers: number | "auto"
  readonly reuseport: boolean
  readonly mode: "development" | "production"
  readonly reload: boolean
  readonly reloadInclude: unknown
  readonly reloadBrowser: boolean
  readonly writeLowWatermark: number
  readonly writeHighWatermark: number
  readonly accessLog: string
  readonly accessLogFormat: string
  readonly requestId: "off" | "make" | "trust"
  readonly sendRequestId: boolean
  readonly trustedProxies: unknown
  readonly maxConcurrentRequests: number
  readonly maxQueuedRequests: number
  readonly disableTls: boolean
  readonly redirectPort: number
  readonly redirectExcept: ReadonlyArray<string>
  readonly compress: boolean
  readonly compressMinSize: number
  readonly compressLevels: unknown
}

/** The same with the group of TLS, of which only counts whether it is there. */
interface Options extends CombinedOptions {
  readonly tls: unknown
}

/** An option that cannot be as it is, because of others. */
export interface CombinationProblem {
  readonly option: keyof CombinedOptions
  readonly expected: string
}

/** Whether somebody has set an option, rather than left it as it is by default. */
type IsGiven = (name: keyof CombinedOptions) => boolean

const of = (option: keyof CombinedOptions, expected: string): CombinationProblem => ({ option, expected })

const hasFreePort = (options: CombinedOptions): boolean =>
  Endpoint.endpoints(options).some((endpoint) => endpoint._tag === "Tcp" && endpoint.port === 0)

const problemOfPlaces = (options: CombinedOptions, isGiven: IsGiven): CombinationProblem | undefined => {
  const excluded = Endpoint.exclusion(isGiven)
  if (excluded !== undefined) {
    const [name, other] = excluded
    return of(name, `no ${other} beside it: ${name} and ${other} exclude each other`)
  }
  if (Endpoint.isAdminShared(options)) return of("admin", "another place than where the application listens")
  if (options.adminToken !== undefined && options.admin === undefined) {
    return of("adminToken", "admin beside it: where the listener is that asks for the token")
  }
  const isOpenToAll = options.reuseport && options.workers !== 0
  return isOpenToAll && hasFreePort(options)
    ? of("reuseport", "no port 0 beside it: each worker would get a port of its own")
    : undefined
}

const atFirst = (relation: string, workers: number): string =>
  `${relation} ${workers}, as many as workers says that there are at first`

/** What auto stands for is known to a running server alone, which keeps it between the others. */
const problemOfNumbers = ({ maxWorkers, minWorkers, workers }: CombinedOptions): CombinationProblem | undefined => {
  const most = maxWorkers === 0 || maxWorkers === "auto" ? Number.POSITIVE_INFINITY : maxWorkers
  if (most < minWorkers) return of("maxWorkers", `at least ${minWorkers}, which minWorkers says`)
  if (workers === 0 || workers === "auto") return undefined
  if (minWorkers > workers) return of("minWorkers", atFirst("at most", workers))
  return most < workers ? of("maxWorkers", atFirst("at least", workers)) : undefined
}

const problemOfIds = (options: CombinedOptions): CombinationProblem | undefined => {
  const { requestId, sendRequestId, trustedProxies } = options
  if (requestId === "trust" && trustedProxies === undefined) {
    return of("requestId", "trustedProxies beside it: whose ids are to be taken")
  }
  return requestId === "off" && sendRequestId ? of("sendRequestId", "requestId make or trust beside it") : undefined
}

const problemOfReload = (options: CombinedOptions): CombinationProblem | undefined => {
  const { mode, reload, reloadBrowser, reloadInclude, workers } = options
  const wanted = reload ? "reload" : reloadBrowser ? "reloadBrowser" : undefined
  if (wanted !== undefined && mode === "production")
    return of(wanted, "mode development beside it, on command lines -E development")
  // Each of them would have another idea of which code is the newest.
  if (reloadBrowser && workers !== 0 && !reload) return of("reloadBrowser", "reload beside it, with workers")
  return reloadInclude !== undefined && !reload ? of("reloadInclude", "reload beside it") : undefined
}

const problemOfRedirects = (options: Options): CombinationProblem | undefined => {
  const { disableTls, redirectExcept, redirectHttps, redirectPort, tls } = options
  if (redirectHttps !== undefined) {
    return tls === undefined || disableTls
      ? of("redirectHttps", "TLS beside it: there has to be https to go to")
      : undefined
  }
  const expected = "redirectHttps beside it, without which nothing is redirected"
  if (redirectPort !== 0) return of("redirectPort", expected)
  return redirectExcept.length > 0 ? of("redirectExcept", expected) : undefined
}

const problemOfCompression = (options: CombinedOptions): CombinationProblem | undefined => {
  if (options.compress) return undefined
  const expected = "compress beside it, without which nothing is compressed"
  if (options.compressLevels !== undefined) return of("compressLevels", expected)
  return options.compressMinSize === defaultCompressSize ? undefined : of("compressMinSize", expected)
}

/** The first option that cannot be as it is; nothing when all go together. */
export const problemOf = (options: Options, isGiven: IsGiven): CombinationProblem | undefined => {
  if (options.writeLowWatermark > options.writeHighWatermark) {
    return of("writeLowWatermark", "at most the high watermark")
  }
  if (options.accessLog === "log" && isGiven("accessLogFormat")) {
    return of("accessLogFormat", "no accessLog log beside it: messages have the format of the log")
  }
  if (options.maxConcurrentRequests === 0 && options.maxQueuedRequests !== defaultQueuedRequests) {
    return of("maxQueuedRequests", "maxConcurrentRequests beside it, without which no request waits for others")
  }
  return (
    problemOfPlaces(options, isGiven) ??
    problemOfNumbers(options) ??
    problemOfIds(options) ??
    problemOfReload(options) ??
    problemOfRedirects(options) ??
    problemOfCompression(options)
  )
}

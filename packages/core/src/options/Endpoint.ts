/** Where a server listens: addresses of TCP and paths of Unix sockets, and the texts that name them. */
import { integer, type Kind, permissions, text } from "./OptionKind.ts"

/** A port of an address or host name. */
export interface TcpEndpoint {
  readonly _tag: "Tcp"
  readonly host: string
  readonly port: number
  /** Whether it speaks no TLS, and every request is redirected to https. */
  readonly redirects?: boolean
  /** Whether every connection begins with a header of the PROXY protocol, which says who the client is. */
  readonly proxyProtocol?: boolean
}

/** A Unix socket. */
export interface UnixEndpoint {
  readonly _tag: "Unix"
  readonly path: string
  /** Its permissions; what the umask leaves of 0777 when there are none. */
  readonly mode: number | undefined
  /** Whether it speaks no TLS, and every request is redirected to https. */
  readonly redirects?: boolean
  /** Whether every connection begins with a header of the PROXY protocol, which says who the client is. */
  readonly proxyProtocol?: boolean
}

/** Where a server listens. */
export type Endpoint = TcpEndpoint | UnixEndpoint

/** How programs name an endpoint: as on the command line, or in parts. */
export type EndpointInput = string | Endpoint | EndpointParts

type EndpointParts =
  | { readonly host: string; readonly port: number; readonly proxyProtocol?: boolean }
  | { readonly socket: string; readonly socketMode?: number; readonly proxyProtocol?: boolean }

/** A port of an address or host name; with port 0 the system picks a free one. */
export const tcp = (host: string, port: number): TcpEndpoint => ({ _tag: "Tcp", host, port })

/** The path of a Unix socket, and its permissions, for instance 0o660. */
export const unix = (path: string, mode?: number): UnixEndpoint => ({ _tag: "Unix", path, mode })

/** The same endpoint, to which proxies connect with the PROXY protocol. */
const proxied = <Place extends Endpoint>(endpoint: Place): Place => ({ ...endpoint, proxyProtocol: true })

/** The same endpoint, whose requests are redirected to https. */
const redirected = (endpoint: Endpoint): Endpoint => ({ ...endpoint, redirects: true })

/** What stands before an endpoint for the PROXY protocol. No name of a host has a plus sign. */
const proxiedPrefix = "proxy+"

/** Hosts, ports and paths as values of options. */
export const hostKind = text("HOST")
export const portKind = integer(0, 65535, "PORT")
export const pathKind = text("PATH")

/**
 * Reads `host:port`, `[IPv6 address]:port`, or a path: what begins with `/` or `.`, or has no colon and is not a port, an
 * address or this machine's name, which nobody calls a socket. `proxy+` before it is for the PROXY protocol.
 */
const parse = (spec: string): Endpoint | undefined => {
  if (spec.startsWith(proxiedPrefix)) {
    const rest = spec.slice(proxiedPrefix.length)
    const endpoint = rest.startsWith(proxiedPrefix) ? undefined : parse(rest)
    return endpoint && proxied(endpoint)
  }
  if (/^[/.]/.test(spec) || !(spec.includes(":") || isHalf(spec))) {
    const path = pathKind.accept(spec)
    return path === undefined ? undefined : unix(path)
  }
  const [, address, name, digits = ""] =
    /^(?:\[([\da-fA-F:.]+(?:%[^\]/]+)?)\]|([^\s:/[\]*]+)):(\d{1,5})$/.exec(spec) ?? []
  const host = hostKind.accept(address ?? name ?? "")
  const port = portKind.accept(Number.parseInt(digits, 10))
  return host === undefined || port === undefined ? undefined : tcp(host, port)
}

/** Whether it is one half of an address and a port. */
const isHalf = (spec: string): boolean => /^(?:\d+|\d+(?:\.\d+){3}|localhost|\*)$/i.test(spec)

/** Schemes that URLs and other servers put before an endpoint. */
const scheme = /^(?:unix:(?:\/\/)?|[a-z]+:\/\/)/i

/** An IPv6 address without its brackets, and a port. */
const bare = /^((?:[\da-f]*:){2,}[\da-f]*):(\d{1,5})$/i

/** What somebody may have meant by a text that names no endpoint; `address` goes with a port that is alone. */
const suggestion = (spec: string, address: string): string | undefined => {
  const [, port] = /^(?:\*?:)?(\d{1,5})$/.exec(spec) ?? []
  if (port !== undefined) return `did you mean ${address}:${port}, or ./${port} for a path`
  if (isHalf(spec)) return `did you mean ${spec === "*" ? "0.0.0.0" : spec}:PORT, or ./${spec} for a path`
  const plain = spec.replace(scheme, "").replace(/\/$/, "").replace(bare, "[$1]:$2")
  const endpoint = plain === spec ? undefined : parse(plain)
  return endpoint === undefined ? undefined : `did you mean ${format(endpoint)}`
}

/** An endpoint in the parts that programs give. */
const partsOf = (endpoint: Endpoint): EndpointParts =>
  endpoint._tag === "Tcp"
    ? { host: endpoint.host, port: endpoint.port, ...proxyPartOf(endpoint) }
    : {
        socket: endpoint.path,
        ...(endpoint.mode === undefined ? {} : { socketMode: endpoint.mode }),
        ...proxyPartOf(endpoint)
      }

const proxyPartOf = ({ proxyProtocol }: Endpoint): { readonly proxyProtocol?: boolean } =>
  proxyProtocol === undefined ? {} : { proxyProtocol }

const acceptParts = (input: EndpointParts): Endpoint | undefined => {
  const { proxyProtocol, ...place }: Readonly<Record<string, unknown>> = { ...input }
  const endpoint = proxyProtocol === undefined || typeof proxyProtocol === "boolean" ? acceptPlace(place) : undefined
  return endpoint !== undefined && proxyProtocol === true ? proxied(endpoint) : endpoint
}

const acceptPlace = (input: Readonly<Record<string, unknown>>): Endpoint | undefined => {
  // Untyped programs may give both, or something else besides.
  const { host, port, socket, socketMode, ...rest } = input
  if (Object.keys(rest).length > 0) return undefined
  if (socket === undefined) {
    if (typeof host !== "string" || typeof port !== "number" || socketMode !== undefined) return undefined
    return hostKind.accept(host) === undefined || portKind.accept(port) === undefined ? undefined : tcp(host, port)
  }
  if (typeof socket !== "string" || host !== undefined || port !== undefined) return undefined
  if (pathKind.accept(socket) === undefined) return undefined
  if (socketMode === undefined) return unix(socket)
  const mode = typeof socketMode === "number" ? permissions.accept(socketMode) : undefined
  return mode === undefined ? undefined : unix(socket, mode)
}

/** A host name or address as URLs and the command line write it. */
export const formatHost = (host: string): string => (host.includes(":") ? `[${host}]` : host)

/** Writes where an endpoint is, as the command line has it. */
export const format = (endpoint: Endpoint): string => {
  if (endpoint._tag === "Tcp") return `${formatHost(endpoint.host)}:${endpoint.port}`
  const { path } = endpoint
  return (path.includes(":") || path.startsWith(proxiedPrefix)) && !/^[/.]/.test(path) ? `./${path}` : path
}

/** One endpoint as the value of an option. */
export const kind: Kind<Endpoint, EndpointInput> = {
  expected: "host:port, [IPv6 address]:port or the path of a Unix socket",
  placeholder: "SPEC",
  accept: (input) => {
    if (typeof input === "string") return parse(input)
    if (typeof input !== "object" || input === null) return undefined
    return acceptParts("_tag" in input ? partsOf(input) : input)
  },
  fromText: (spec) => spec,
  toText: (endpoint) => `${endpoint.proxyProtocol === true ? proxiedPrefix : ""}${format(endpoint)}`,
  explain: (input) => (typeof input === "string" ? suggestion(input, "0.0.0.0") : undefined)
}

/** Accepts an endpoint to which no proxy connects with the PROXY protocol. */
const acceptPlain = (input: EndpointInput): Endpoint | undefined => {
  const endpoint = kind.accept(input)
  return endpoint?.proxyProtocol === true ? undefined : endpoint
}

/** Where the admin listener is to be. Nobody is advised to let other machines reach it, nor means a socket by `off`. */
export const adminKind: Kind<Endpoint, EndpointInput> = {
  ...kind,
  accept: (input) => (input === "off" ? undefined : acceptPlain(input)),
  explain: (input) => {
    if (input === "off") return "leave it out to have none, or did you mean ./off for a path"
    return typeof input === "string" ? suggestion(input, "127.0.0.1") : undefined
  }
}

/** Where plain HTTP is redirected to https. */
export const redirectKind: Kind<Endpoint, EndpointInput> = { ...kind, accept: acceptPlain }

/** The options that say where to listen. */
export interface EndpointOptions {
  readonly host: string
  readonly port: number
  readonly socket: string | undefined
  readonly socketMode: number | undefined
  readonly listen: ReadonlyArray<Endpoint> | undefined
  readonly proxyProtocol?: boolean
  readonly redirectHttps?: ReadonlyArray<Endpoint> | undefined
}

/**
 * Where the server is to listen, in the order given, and then where it redirects; Unix sockets without permissions of their
 * own have `socketMode`.
 */
export const endpoints = (options: EndpointOptions): readonly [Endpoint, ...Array<Endpoint>] => {
  const { host, port, socket, socketMode } = options
  const withMode = (endpoint: Endpoint): Endpoint =>
    endpoint._tag === "Tcp" ? endpoint : { ...endpoint, mode: endpoint.mode ?? socketMode }
  const complete = (endpoint: Endpoint): Endpoint =>
    options.proxyProtocol === true ? proxied(withMode(endpoint)) : withMode(endpoint)
  const redirecting = (options.redirectHttps ?? []).map((endpoint) => redirected(withMode(endpoint)))
  const [first, ...others] = options.listen ?? []
  if (first === undefined) return [complete(socket === undefined ? tcp(host, port) : unix(socket)), ...redirecting]
  return [complete(first), ...others.map(complete), ...redirecting]
}

/**
 * Where the admin listener is to be, if there is to be one. A Unix socket is its user's alone unless permissions are set:
 * whoever can connect can give commands.
 */
export const adminEndpoint = (options: {
  readonly admin: Endpoint | undefined
  readonly socketMode: number | undefined
}): Endpoint | undefined => {
  const { admin, socketMode } = options
  return admin?._tag === "Unix" ? unix(admin.path, admin.mode ?? socketMode ?? 0o600) : admin
}

/** Whether the admin listener is to be where the application is. */
export const isAdminShared = ({
  admin,
  ...options
}: EndpointOptions & { readonly admin: Endpoint | undefined }): boolean => {
  if (admin === undefined || (admin._tag === "Tcp" && admin.port === 0)) return false
  return endpoints(options).some((endpoint) => format(endpoint) === format(admin))
}

/** In which of three ways an option says where to listen. Two ways at once would leave open which one is meant. */
const ways = { listen: "several", socket: "path", host: "address", port: "address" } as const

type WayOption = keyof typeof ways

const wayOptions: ReadonlyArray<WayOption> = ["listen", "socket", "host", "port"]

/** Two of the given options that exclude each other, if there are such. */
export const exclusion = (isGiven: (name: WayOption) => boolean): readonly [WayOption, WayOption] | undefined => {
  const [first, ...others] = wayOptions.filter(isGiven)
  if (first === undefined) return undefined
  const other = others.find((name) => ways[name] !== ways[first])
  return other === undefined ? undefined : [first, other]
}

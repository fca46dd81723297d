/**
 * What trusted proxies say of a request that they pass on: who its client is, how it came to them, for which host and
 * below which path. Only the proxies' own words count: they are read from the right, up to the first hop that is not
 * trusted, and what is left of that is nobody's.
 */
import type { Address } from "../contract/Address.ts"
import type { TlsExtension } from "../contract/TlsExtension.ts"
import { isAuthority } from "../http/Authority.ts"
import { listElements } from "../http/CommaList.ts"
import { visitFromEnd } from "../http/ForwardedElement.ts"
import * as ForwardedNode from "../http/ForwardedNode.ts"
import { get, type HeaderBlock } from "../http/HeaderBlock.ts"
import { isLocalHost } from "../http/LocalName.ts"
import * as PathPrefix from "../http/PathPrefix.ts"
import type { ObservedConnection } from "../observe/Observer.ts"
import type { ForwardedField } from "../options/ForwardedFields.ts"
import type { IsTrusted, Peer } from "./RequestIds.ts"

/** A connection as its proxy knows it. */
export interface ProxiedConnection extends ObservedConnection, Peer {
  readonly tls: TlsExtension | undefined
}

/** A request's connection as the client sees it, who has come by way of a proxy. */
export class ForwardedConnection implements ProxiedConnection {
  readonly client: Address | undefined
  readonly server: Address | undefined
  readonly secure: boolean
  /** The proxy, which has made the connection; absent on Unix sockets. */
  readonly peer: Address | undefined
  readonly #proxied: ProxiedConnection

  constructor(client: Address | undefined, secure: boolean, proxied: ProxiedConnection) {
    this.client = client
    this.secure = secure
    this.server = proxied.server
    this.peer = proxied.client
    this.#proxied = proxied
  }

  /** What TLS has settled with the proxy. */
  get tls(): TlsExtension | undefined {
    return this.#proxied.tls
  }
}

/** What of a request's head is looked at, and may be another one when proxies have passed it on. */
export interface ForwardableHead {
  readonly headers: HeaderBlock
  readonly rootPath?: string
}

/** A request as its client has sent it. */
export interface ForwardedRequest<Head> {
  readonly head: Head
  readonly connection: ForwardedConnection
}

/** The elements of each of the fields, in the order in which they came. */
type Told = { readonly [Name in ForwardedField]: Array<string> }

/** What is taken of them. */
interface Origin {
  client: Address | undefined
  proto: string | undefined
  host: string | undefined
  port: string | undefined
  prefix: string | undefined
}

/** What a hop stands for that has come by a Unix socket. */
const unixPeer: Peer = { client: undefined, server: ["unix", null] }

const schemes: ReadonlyMap<string, boolean> = new Map([
  ["http", false],
  ["ws", false],
  ["https", true],
  ["wss", true]
])

/** The host with the port behind it, unless it has one or the scheme's is meant. */
const withPort = (host: string, port: string | undefined, secure: boolean): string => {
  if (port === undefined || !/^[1-9]\d{0,4}$/.test(port) || Number(port) > 65_535) return host
  if (port === (secure ? "443" : "80") || /:\d*$/.test(host.slice(host.indexOf("]") + 1))) return host
  return `${host}:${port}`
}

const withHost = (headers: HeaderBlock, host: string): HeaderBlock => [
  ["host", host],
  ...headers.filter(([name]) => name !== "host")
]

/** Finds out about the clients behind the proxies that are trusted. */
export class Forwarding {
  readonly #isTrusted: IsTrusted
  /** What is taken of the fields with these names. */
  readonly #believed: ReadonlyMap<string, ForwardedField>
  readonly #keepsForeignNames: boolean

  /**
   * `isTrusted` says whose words count, `believed` in which of the fields. With `keepsForeignNames` a host that is not local
   * cannot become one that is: a server that shows more under a local name needs that, since a page of anybody's can send
   * these fields from a browser on a machine that is trusted.
   */
  constructor(isTrusted: IsTrusted, believed: ReadonlyArray<ForwardedField>, keepsForeignNames = false) {
    this.#isTrusted = isTrusted
    this.#keepsForeignNames = keepsForeignNames
    this.#believed = new Map(believed.map((field) => [field === "forwarded" ? field : `x-forwarded-${field}`, field]))
  }

  /** The request as its client has sent it; nothing for one that comes from somebody who is not trusted. */
  resolve<Head extends ForwardableHead>(head: Head, connection: ProxiedConnection): ForwardedRequest<Head> | undefined {
    if (!this.#isTrusted(connection)) return undefined
    const told = this.#read(head.headers)
    if (told === undefined) return undefined
    const origin = this.#originOf(told, connection.client)
    const secure = schemes.get(origin.proto?.toLowerCase() ?? "") ?? connection.secure
    const headers = this.#hostOf(head.headers, origin, secure)
    const prefix = origin.prefix === undefined ? undefined : PathPrefix.read(origin.prefix)
    const isSame = headers === head.headers && prefix === undefined
    return {
      head: isSame ? head : { ...head, headers, ...(prefix === undefined ? {} : { rootPath: prefix }) },
      connection: new ForwardedConnection(origin.client, secure, connection)
    }
  }

  /** All elements of the fields that are believed; nothing if there are none. */
  #read(headers: HeaderBlock): Told | undefined {
    let told: Told | undefined = undefined
    for (const [name, value] of headers) {
      const field = this.#believed.get(name)
      if (field === undefined) continue
      told ??= { for: [], proto: [], host: [], port: [], prefix: [], forwarded: [] }
      if (field === "forwarded") told.forwarded.push(value)
      else for (const element of listElements(value)) if (element !== "") told[field].push(element)
    }
    return told
  }

  #originOf(told: Told, peer: Address | undefined): Origin {
    const isPlain = [told.for, told.proto, told.host, told.port].some(({ length }) => length > 0)
    return isPlain || told.forwarded.length === 0 ? this.#ofFields(told, peer) : this.#ofForwarded(told, peer)
  }

  /** Goes one hop further away; answers whether whoever is there is trusted, who then has written the next hop. */
  #step(origin: Origin, node: ForwardedNode.ForwardedNode | undefined): boolean {
    if (node === undefined) return false
    if (node === "unix") return this.#isTrusted(unixPeer)
    origin.client = node
    return this.#isTrusted({ client: node, server: undefined })
  }

  #ofFields(told: Told, peer: Address | undefined): Origin {
    const origin: Origin = { client: peer, proto: undefined, host: undefined, port: undefined, prefix: undefined }
    const { length } = told.for
    let index = length
    while (index > 0 && this.#step(origin, ForwardedNode.parse(told.for[--index] ?? ""))) continue
    // A list as long as that of the hops has one element of each of them; of another one the nearest proxy has the last word.
    const pick = (list: ReadonlyArray<string>) => (list.length === length ? list[index] : list.at(-1))
    return Object.assign(origin, {
      proto: pick(told.proto),
      host: pick(told.host),
      port: pick(told.port),
      prefix: pick(told.prefix)
    })
  }

  #ofForwarded({ forwarded, prefix }: Told, peer: Address | undefined): Origin {
    const origin: Origin = { client: peer, proto: undefined, host: undefined, port: undefined, prefix: prefix.at(-1) }
    visitFromEnd(forwarded, (element) => {
      if (element === undefined) return false
      origin.proto = element.proto
      origin.host = element.host
      return element.for !== undefined && this.#step(origin, ForwardedNode.parse(element.for))
    })
    return origin
  }

  /** The fields, with the host that the client has asked for. */
  #hostOf(headers: HeaderBlock, { host, port }: Origin, secure: boolean): HeaderBlock {
    if (host === undefined && port === undefined) return headers
    const sent = get(headers, "host")
    const isTaken = host !== undefined && isAuthority(host) && !this.#isMadeLocal(sent, host)
    const asked = isTaken ? host : sent
    if (asked === undefined || asked === "") return headers
    const whole = withPort(asked, port, secure)
    return whole === sent ? headers : withHost(headers, whole)
  }

  #isMadeLocal(sent: string | undefined, told: string): boolean {
    return this.#keepsForeignNames && isLocalHost(told) && !isLocalHost(sent ?? "")
  }
}

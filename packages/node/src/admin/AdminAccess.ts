/**
 * Who may ask the admin listener for what. A page of another site must neither read the status, by a name of its own that
 * leads here (DNS rebinding), nor give commands in the name of somebody who can reach this address.
 */
import type { Address } from "@pagi/core/contract/Address"
import { get, type HeaderBlock } from "@pagi/core/http/HeaderBlock"
import { createHash, timingSafeEqual } from "node:crypto"
import { isIP } from "node:net"

/** What is known of a request before it is answered. */
export interface AdminRequest {
  readonly method: string
  readonly path: string
  readonly headers: HeaderBlock
  /** Where it came from; absent for a Unix socket. */
  readonly client: Address | undefined
  /** Whether it came over a Unix socket, which only those can use who may. */
  readonly isLocal: boolean
}

/** What is allowed to whom. */
export interface AccessRules {
  /** The host that the listener was set up with; absent for a Unix socket. */
  readonly host: string | undefined
  /** What allows commands over TCP; nothing does without. */
  readonly token: string | undefined
}

/** Why a command is refused. */
export interface Denial {
  readonly status: 401 | 403
  readonly reason: string
}

const digest = (text: string): Buffer => createHash("sha256").update(text).digest()

/** Takes as long for any text, so that nobody can find out the token by the time that it takes. */
const isSame = (one: string, other: string): boolean => timingSafeEqual(digest(one), digest(other))

const bearerOf = (headers: HeaderBlock): string | undefined =>
  /^bearer +(\S+) *$/i.exec(get(headers, "authorization") ?? "")?.[1]

/** The name of a host without its port, in small letters; an IPv6 address without its brackets. */
const nameOf = (authority: string): string =>
  authority
    .toLowerCase()
    .replace(/:\d*$/, "")
    .replace(/^\[(.*)\]$/, "$1")

/** The two questions, for the requests of one listener. */
export class AdminAccess {
  readonly #host: string | undefined
  readonly #token: string | undefined

  constructor({ host, token }: AccessRules) {
    this.#host = host?.toLowerCase()
    this.#token = token
  }

  /** Whether whoever asks has said the token. */
  #hasToken(headers: HeaderBlock): boolean {
    const given = bearerOf(headers)
    return given !== undefined && this.#token !== undefined && isSame(given, this.#token)
  }

  /**
   * Whether a request is for this listener by a name that cannot be somebody else's: an address, `localhost`, or the host
   * that it was set up with; over a Unix socket also a name without a dot, which programs make up. A page can come to that
   * too: by a port that leads to the socket, as with SSH. Who has the token may call it as he likes.
   */
  isNamed({ headers, isLocal }: AdminRequest): boolean {
    const name = nameOf(get(headers, "host") ?? "")
    const isOwn = isIP(name) > 0 || name === "localhost" || name === this.#host || (isLocal && !name.includes("."))
    return isOwn || this.#hasToken(headers)
  }

  /** How commands can be given over a connection: by everybody who has it, with the token, or not at all. */
  commandsOver(isLocal: boolean): "open" | "token" | "none" {
    if (isLocal) return "open"
    return this.#token === undefined ? "none" : "token"
  }

  /** Why somebody may not give a command; nothing when he may. */
  denialOf(request: AdminRequest): Denial | undefined {
    const { headers, isLocal } = request
    if (isCrossSite(headers)) return { status: 403, reason: "commands are not taken from pages of other sites" }
    if (isLocal || this.#hasToken(headers)) return undefined
    if (this.#token === undefined) {
      return { status: 403, reason: "commands need a Unix socket, or over TCP the option adminToken" }
    }
    const needed = "commands need the token: Authorization: Bearer TOKEN"
    return { status: 401, reason: bearerOf(headers) === undefined ? needed : `the token is wrong; ${needed}` }
  }
}

/** What browsers say about the page that a request is from; programs that are none say nothing. */
const isCrossSite = (headers: HeaderBlock): boolean => {
  const site = get(headers, "sec-fetch-site")
  if (site !== undefined && site !== "same-origin" && site !== "none") return true
  const origin = get(headers, "origin")
  const host = get(headers, "host")
  return origin !== undefined && (host === undefined || !/^https?:\/\//.test(origin) || authorityOf(origin) !== host)
}

const authorityOf = (origin: string): string => origin.replace(/^https?:\/\//, "")

/** The ids of exchanges: made here, or taken from the proxies that are trusted. */
import type { ByteString } from "../bytes/ByteString.ts"
import { get, type HeaderBlock } from "../http/HeaderBlock.ts"
import type { ObservedConnection } from "../observe/Observer.ts"
import type { Values } from "../options/ServerOptions.ts"

/** The field that carries an id, in requests and in responses. */
export const fieldName = "x-request-id"

/** What ids from others consist of: nothing that could do harm in a log, in a field or in a link. */
const sane = /^[\w.~+/=:@-]{1,128}$/

/** Whether an id that somebody else has made is used as it is. */
export const isSane = (id: ByteString): boolean => sane.test(id)

/** Characters of the part of an id that all of a server have in common. */
const prefixLength = 12

/** Random digits and letters, about 62 bits of them. */
const makePrefix = (): string => {
  const bytes = crypto.getRandomValues(new Uint8Array(prefixLength))
  return Array.from(bytes, (byte) => (byte % 36).toString(36)).join("")
}

/** A request with its id, which is also the only field `x-request-id` that it has. */
export type Identified<Head> = Head & { readonly headers: HeaderBlock; readonly requestId: string }

/** What tells who the peer of a connection is. */
export interface Peer extends Pick<ObservedConnection, "client" | "server"> {
  /** Whether its addresses are those of a proxy that has not said whose connection it passes on. */
  readonly hasUnknownClient?: boolean
}

/** Whether the peer of a connection is one whose ids are used. */
export type IsTrusted = (peer: Peer) => boolean

/**
 * Gives each exchange of a server an id. Those that are made here are a random prefix and a number that counts them: a
 * random number for each would take six times as long.
 */
export class RequestIds {
  readonly #prefix = `${makePrefix()}-`
  #count = 0
  readonly #isTrusted: IsTrusted | undefined
  readonly #isSent: boolean

  /** `isTrusted` says whose ids are used, by default nobody's; `isSent`, whether responses have the ids. */
  constructor(isTrusted: IsTrusted | undefined, isSent: boolean) {
    this.#isTrusted = isTrusted
    this.#isSent = isSent
  }

  /** Makes an id: of an exchange that is for no request, too. */
  next(): string {
    return `${this.#prefix}${(++this.#count).toString(36)}`
  }

  /** Gives a request its id, which takes the place of the one that the client has sent. */
  identify<Head extends { readonly headers: HeaderBlock }>(head: Head, peer: Peer): Identified<Head> {
    const { headers } = head
    const sent = get(headers, fieldName)
    const requestId = sent !== undefined && this.#isTrusted?.(peer) === true && isSane(sent) ? sent : this.next()
    const others = sent === undefined ? headers : headers.filter(([name]) => name !== fieldName)
    return { ...head, headers: [...others, [fieldName, requestId]], requestId }
  }

  /** The fields of a response to an exchange, with its id if they shall have it and the application has sent none. */
  fieldsOf(headers: HeaderBlock, requestId: string | undefined): HeaderBlock {
    if (!this.#isSent || requestId === undefined) return headers
    for (const [name] of headers)
      if (name.length === fieldName.length && name.toLowerCase() === fieldName) return headers
    return [...headers, [fieldName, requestId]]
  }
}

/** What gives ids as the options want it; nothing when there are to be none. */
export const make = (
  { requestId, sendRequestId }: Pick<Values, "requestId" | "sendRequestId">,
  isTrusted: IsTrusted | undefined
): RequestIds | undefined =>
  requestId === "off" ? undefined : new RequestIds(requestId === "trust" ? isTrusted : undefined, sendRequestId)

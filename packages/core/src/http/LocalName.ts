/**
 * Whether a request is for a name that only its own network can give to this machine. A page of anybody's can have a
 * browser ask a server on its own machine under a name of that page's ("DNS rebinding"), and would read the answer.
 */
import { get, type HeaderBlock } from "./HeaderBlock.ts"

/** Names below these are given out by nobody (RFC 6761, RFC 6762, RFC 8375, and ICANN's reservation of internal). */
const reserved = /(?:^|\.)(?:localhost|test|local|internal|home\.arpa)$/

const address = /^(?:\[[\da-f:.]+\]|\d{1,3}(?:\.\d{1,3}){3})$/

/** The name in a Host field, without its port. */
const nameOf = (host: string): string => host.toLowerCase().replace(/:\d*$/, "").replace(/\.$/, "")

/** Whether a host has an address, a name without dots, or one that is reserved for networks of one's own. */
export const isLocalHost = (host: string): boolean => {
  const name = nameOf(host)
  return name !== "" && (address.test(name) || !/[.:]/.test(name) || reserved.test(name))
}

/** Whether the Host field has such a one. */
export const isLocal = (headers: HeaderBlock): boolean => isLocalHost(get(headers, "host") ?? "")

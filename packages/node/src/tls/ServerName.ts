/**
 * The host that a client means with the name it asks for by SNI, in lower case. RFC 6066 §3 has names without the root's
 * dot, but some clients send it, and it is the same host.
 */
export const hostOf = (name: string): string => name.toLowerCase().replace(/\.$/, "")

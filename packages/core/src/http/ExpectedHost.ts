import { get, type HeaderBlock } from "./HeaderBlock.ts"

/**
 * Whether a request is for another host than the one that its connection was authenticated for, which RFC 9110 §15.5.20
 * has answered with 421. `expectedHost` is in lower case. The port does not matter, nor does the root's dot; a request
 * of HTTP/1.0 may name no host.
 */
export const isMisdirected = (expectedHost: string, headers: HeaderBlock): boolean => {
  const host = get(headers, "host")
  return host !== undefined && host.toLowerCase().replace(/\.?(?::\d*)?$/, "") !== expectedHost
}

/** What the answer says. */
export const misdirectedMessage = "misdirected request"

/** The part of a URL's path that an application does not see, as it is mounted behind it. */
import type { ByteString } from "../bytes/ByteString.ts"

/** Segments that are written without percent-encoding, and are none that lead up or nowhere. */
const prefix = /^(?:\/(?!\.{1,2}(?:\/|$))[\w.~!$&'()*+;=:@-]+)*$/

/** A prefix that may have been decoded, as a part of a URL. */
export const encode = (rootPath: string): ByteString =>
  rootPath === "" || prefix.test(rootPath) ? rootPath : rootPath.split("/").map(encodeURIComponent).join("/")

/**
 * Reads a prefix such as `/shop` or `/shop/de`, with or without a slash at its end: nothing of what is none, as one that
 * begins with two slashes, which would be a host in a link. `/` is an empty one.
 */
export const read = (text: ByteString): string | undefined => {
  const bare = text.endsWith("/") ? text.slice(0, -1) : text
  return prefix.test(bare) ? bare : undefined
}

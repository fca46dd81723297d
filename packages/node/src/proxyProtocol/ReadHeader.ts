/** Reads a header of the PROXY protocol, of whichever version. */
import type { Reading } from "./Header.ts"
import * as VersionOne from "./VersionOne.ts"
import * as VersionTwo from "./VersionTwo.ts"

const versions = [VersionOne, VersionTwo]

/**
 * Reads the header that a connection begins with, from all that has come on it. No header is longer than
 * `VersionTwo.longestBlock` and 16 bytes besides, so that no more needs to be kept while there is no answer.
 */
export const readHeader = (bytes: Uint8Array): Reading => {
  for (const { read, signature } of versions) {
    const isSame = matches(bytes, signature)
    if (isSame) return bytes.length < signature.length ? undefined : read(bytes)
  }
  return "proxy-missing"
}

/** Whether bytes begin with the signature, or the signature with them. */
const matches = (bytes: Uint8Array, signature: Uint8Array): boolean => {
  const length = Math.min(bytes.length, signature.length)
  for (let index = 0; index < length; index++) if (bytes[index] !== signature[index]) return false
  return true
}

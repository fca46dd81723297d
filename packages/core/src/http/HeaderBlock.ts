import type { ByteString } from "../bytes/ByteString.ts"

/**
 * Header or trailer fields in arrival order, duplicates kept. Names are lower case in everything that the server hands
 * to an application; names that an application sends may have any case and are written in lower case.
 */
export type HeaderBlock = ReadonlyArray<readonly [name: ByteString, value: ByteString]>

/** The value of the first field with this lower-case name. */
export const get = (headers: HeaderBlock, name: string): ByteString | undefined => {
  for (const header of headers) {
    if (header[0] === name) return header[1]
  }
  return undefined
}

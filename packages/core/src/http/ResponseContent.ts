import type { ByteString } from "../bytes/ByteString.ts"

/** Whether responses with this status never have content (RFC 9110 §6.4.1 and §15.3.6). */
export const isWithoutContent = (status: number): boolean =>
  status < 200 || status === 204 || status === 205 || status === 304

/** The content of the server's own answer, in ASCII. */
export const errorContent = (message: string): ByteString => `${message}\n`

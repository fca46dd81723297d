/** Content-Length of a response: what it may say, what is sent, and how content keeps to it (RFC 9110 §8.6). */
import type { ByteString } from "../bytes/ByteString.ts"
import { parseContentLength } from "./FieldSyntax.ts"

/** What is wrong with a field for which `readContentLength` has no length. */
export const contentLengthProblem = "content-length must be one decimal number"

/**
 * The length that an application states, when a field before this one has stated `before`; `undefined` when it is none.
 * Equal repetitions are one field, different ones have no meaning.
 */
export const readContentLength = (value: ByteString, before: number | undefined): number | undefined => {
  const length = parseContentLength(value)
  return before === undefined || before === length ? length : undefined
}

/**
 * The Content-Length to send: what the application has stated, or the length of content that is complete already. There
 * is none with 1xx and 204. With HEAD it tells what GET would have sent (RFC 9110 §9.3.2), of which empty content is no
 * proof. `trailers` says whether trailers follow the content, which is never complete then.
 */
export const contentLengthToSend = (
  status: number,
  stated: number | undefined,
  wholeLength: number | undefined,
  isHead: boolean,
  trailers: boolean
): number | undefined => {
  if (status < 200 || status === 204) return undefined
  if (status === 205) return 0
  if (stated !== undefined) return stated
  if (trailers || status === 304) return undefined
  return isHead && wholeLength === 0 ? undefined : wholeLength
}

/**
 * What is wrong with sending `length` more bytes of content, with which it ends or not. It must have exactly the length
 * that was stated, of which `remaining` bytes are left, or `undefined` when none was: a client would misread what follows.
 */
export const lengthProblem = (remaining: number | undefined, length: number, ends: boolean): string | undefined => {
  if (remaining === undefined) return undefined
  if (length > remaining) return `the body exceeds content-length by ${length - remaining} bytes`
  return ends && length < remaining ? `the body ends ${remaining - length} bytes before its content-length` : undefined
}

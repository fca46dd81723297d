/** The fields of a response: which an application may send, and which of them the server decides about. */
import type { ByteString } from "../bytes/ByteString.ts"
import { isToken, isValue, nameProblem, valueProblem } from "./FieldSyntax.ts"
import { isForbiddenTrailer } from "./TrailerField.ts"

/**
 * What a field is to the server. Fields of the `hop` describe one connection or the framing in it, which is the server's
 * matter: no version of HTTP sends the application's. `connection` and `upgrade` are such fields too, but HTTP/1.1 reads
 * the one and sends both when it switches protocols (RFC 9110 §7.6.1 and §7.8, RFC 9113 §8.2.2).
 */
export type FieldRole = "other" | "date" | "content-length" | "connection" | "upgrade" | "hop"

const roles: ReadonlyMap<string, FieldRole> = new Map<string, FieldRole>([
  ["date", "date"],
  ["content-length", "content-length"],
  ["connection", "connection"],
  ["upgrade", "upgrade"],
  ["keep-alive", "hop"],
  ["proxy-connection", "hop"],
  ["transfer-encoding", "hop"]
])

/** What is known of a field by its name. */
export interface FieldName {
  /** In lower case. */
  readonly name: ByteString
  readonly role: FieldRole
  /** Whether it is left out of a trailer section. */
  readonly isForbiddenTrailer: boolean
}

const MEMORY_SIZE = 512
const memory = new Map<string, FieldName>()

/**
 * What is known of a name that an application sends; `undefined` when it is not a token (RFC 9110 §5.1). Programs send the
 * same few names over and over, so the answer is remembered; the memory is emptied when made-up names have filled it.
 */
export const lookUpName = (given: string): FieldName | undefined => {
  const known = memory.get(given)
  if (known !== undefined) return known
  if (!isToken(given)) return undefined
  const name = given.toLowerCase()
  const field: FieldName = { name, role: roles.get(name) ?? "other", isForbiddenTrailer: isForbiddenTrailer(name) }
  if (memory.size >= MEMORY_SIZE) memory.clear()
  memory.set(given, field)
  return field
}

/** What is known of a field that an application sends; text says why it may not be sent (RFC 9112 §11.1). */
export const checkField = (given: string, value: string): FieldName | string => {
  const field = lookUpName(given)
  if (field === undefined) return nameProblem(given)
  return isValue(value) ? field : valueProblem(given, value)
}

/**
 * The field `Forwarded` (RFC 7239 §4), read from its end: what is right of an element was written by proxies that have
 * seen it, and what is left of it may be anything, which must not change how it is read.
 */
import type { ByteString } from "../bytes/ByteString.ts"
import { trimBlanks } from "./CommaList.ts"
import { isToken } from "./FieldSyntax.ts"

/** What one proxy says of a request that it has got. */
export interface ForwardedElement {
  /** Who has sent it. */
  readonly for?: ByteString
  /** How it has come. */
  readonly proto?: ByteString
  /** What host it was for. */
  readonly host?: ByteString
}

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** Where the quoted string begins whose closing quote is there; -1 if it does not begin. */
const openingQuote = (text: ByteString, closing: number): number => {
  let index = closing - 1
  while (index >= 0) {
    if (text.charCodeAt(index) === QUOTE) {
      let before = index - 1
      while (text.charCodeAt(before) === BACKSLASH) before--
      if ((index - before) % 2 === 1) return index
      index = before
    } else {
      index--
    }
  }
  return -1
}

/** Where the separator is in front of what ends at `end`, outside of quoted strings; -1 if there is none. */
const separatorBefore = (text: ByteString, end: number, separator: number): number => {
  let index = end - 1
  while (index >= 0) {
    const code = text.charCodeAt(index)
    if (code === separator) return index
    index = code === QUOTE ? openingQuote(text, index) - 1 : index - 1
  }
  return -1
}

/** Calls `visit` with the parts of a text, the last one first, until it answers that it wants no more. */
const fromEnd = (text: ByteString, separator: string, visit: (part: ByteString) => boolean): boolean => {
  const code = separator.charCodeAt(0)
  let end = text.length
  while (end >= 0) {
    const at = separatorBefore(text, end, code)
    if (!visit(trimBlanks(text.slice(at + 1, end)))) return false
    end = at
  }
  return true
}

const quotedString = /^"(?:[^"\\]|\\[\s\S])*"$/

/** Many write addresses with a port without the quotes that they need. */
const bare = /^[\w!#$%&'*+.^`|~:[\]/-]+$/

const valueOf = (text: ByteString): ByteString | undefined => {
  if (text.startsWith('"')) return quotedString.test(text) ? text.slice(1, -1).replace(/\\([\s\S])/g, "$1") : undefined
  return bare.test(text) ? text : undefined
}

/** Reads an element; nothing of one that is malformed, or says something twice. */
export const parse = (text: ByteString): ForwardedElement | undefined => {
  const read = new Map<string, ByteString>()
  const isRead = fromEnd(text, ";", (pair) => {
    if (pair === "") return true
    const mark = pair.indexOf("=")
    const name = pair.slice(0, Math.max(mark, 0)).toLowerCase()
    const value = valueOf(pair.slice(mark + 1))
    if (!isToken(name) || value === undefined || read.has(name)) return false
    read.set(name, value)
    return true
  })
  return isRead ? Object.fromEntries(read) : undefined
}

/**
 * Calls `visit` with the elements of all these fields, the last one first, until it answers false: with `undefined` for
 * one that is malformed. Empty ones say nothing (RFC 9110 §5.6.1.2).
 */
export const visitFromEnd = (
  fields: ReadonlyArray<ByteString>,
  visit: (element: ForwardedElement | undefined) => boolean
): void => {
  for (let index = fields.length - 1; index >= 0; index--) {
    const isDone = !fromEnd(fields[index] ?? "", ",", (text) => text === "" || visit(parse(text)))
    if (isDone) return
  }
}

/** The grammar of chunk extensions, which are read byte by byte and mean nothing here (RFC 9112 §7.1.1). */
import { isToken } from "./ByteClass.ts"

/**
 * Where in what stands between a chunk's size and its line end the next byte stands (RFC 9112 §7.1.1):
 *
 * ```
 * chunk-ext = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS ( token / quoted-string ) ] )
 * ```
 */
export type ExtensionPlace =
  | "after-size"
  | "before-name"
  | "name"
  | "after-name"
  | "before-value"
  | "value"
  | "quoted"
  | "escaped"
  | "after-quoted"
  | "after-value"

/** Kinds of bytes. A control byte is of none: it is refused in quoted strings too. */
type Kind = "blank" | "token" | "semicolon" | "equals" | "quote" | "backslash" | "other"

const next: Readonly<Record<ExtensionPlace, Partial<Readonly<Record<Kind, ExtensionPlace>>>>> = {
  "after-size": { blank: "after-size", semicolon: "before-name" },
  "before-name": { blank: "before-name", token: "name" },
  name: { token: "name", blank: "after-name", equals: "before-value", semicolon: "before-name" },
  "after-name": { blank: "after-name", equals: "before-value", semicolon: "before-name" },
  "before-value": { blank: "before-value", token: "value", quote: "quoted" },
  value: { token: "value", blank: "after-value", semicolon: "before-name" },
  quoted: {
    blank: "quoted",
    token: "quoted",
    semicolon: "quoted",
    equals: "quoted",
    quote: "after-quoted",
    backslash: "escaped",
    other: "quoted"
  },
  escaped: {
    blank: "quoted",
    token: "quoted",
    semicolon: "quoted",
    equals: "quoted",
    quote: "quoted",
    backslash: "quoted",
    other: "quoted"
  },
  "after-quoted": { blank: "after-value", semicolon: "before-name" },
  "after-value": { blank: "after-value", semicolon: "before-name" }
}

/** Blanks alone are no extension, but the padding with which old senders give all sizes one width. */
const mayEnd: ReadonlySet<ExtensionPlace> = new Set(["after-size", "name", "value", "after-quoted"])

const kindOf = (byte: number): Kind | undefined => {
  if (isToken[byte] === 1) return "token"
  switch (byte) {
    case 0x09:
    case 0x20:
      return "blank"
    case 0x22:
      return "quote"
    case 0x3b:
      return "semicolon"
    case 0x3d:
      return "equals"
    case 0x5c:
      return "backslash"
    default:
      return byte > 0x20 && byte !== 0x7f ? "other" : undefined
  }
}

const kinds: ReadonlyArray<Kind | undefined> = Array.from({ length: 256 }, (_, byte) => kindOf(byte))

/** The place behind a byte; `undefined` where it may not stand. */
export const extensionStep = (place: ExtensionPlace, byte: number): ExtensionPlace | undefined => {
  const kind = kinds[byte]
  return kind === undefined ? undefined : next[place][kind]
}

/** Whether the line may end here. */
export const mayExtensionEnd = (place: ExtensionPlace): boolean => mayEnd.has(place)

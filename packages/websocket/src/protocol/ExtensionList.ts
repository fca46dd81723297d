/** Reads the extensions that a client offers: the Sec-WebSocket-Extensions field (RFC 6455 §9.1). */
import type { ByteString } from "@pagi/core/bytes/ByteString"
import { skipBlanks } from "@pagi/core/http/CommaList"
import { isToken, tokenBytes } from "@pagi/core/http/FieldSyntax"

/** An extension that a client offers. */
export interface ExtensionOffer {
  readonly name: string
  /** In the order of the field, with repetitions; the value is `undefined` when there is only a name. */
  readonly parameters: ReadonlyArray<readonly [name: string, value: string | undefined]>
}

/**
 * The offers in a Sec-WebSocket-Extensions field (RFC 6455 §9.1), `undefined` when it does not have the form of a list
 * of extensions. Empty elements of the list are passed over (RFC 9110 §5.6.1.2).
 */
export const parseExtensions = (value: ByteString): ReadonlyArray<ExtensionOffer> | undefined => {
  const scanner = new Scanner(value)
  const offers: Array<ExtensionOffer> = []
  do {
    if (scanner.isAtElementEnd) continue
    const offer = readOffer(scanner)
    if (offer === undefined || !scanner.isAtElementEnd) return undefined
    offers.push(offer)
  } while (scanner.accept(","))
  return offers
}

const readOffer = (scanner: Scanner): ExtensionOffer | undefined => {
  const name = scanner.takeToken()
  if (name === undefined) return undefined
  const parameters: Array<readonly [string, string | undefined]> = []
  while (scanner.accept(";")) {
    const parameter = scanner.takeToken()
    if (parameter === undefined) return undefined
    const hasValue = scanner.accept("=")
    const value = hasValue ? scanner.takeValue() : undefined
    if (hasValue && value === undefined) return undefined
    parameters.push([parameter, value])
  }
  return { name, parameters }
}

/** Reads the parts of the grammar one after another. Blanks around them mean nothing (RFC 2616 §2.1). */
class Scanner {
  private readonly text: ByteString
  private index = 0

  constructor(text: ByteString) {
    this.text = text
    this.index = skipBlanks(text, 0)
  }

  get isAtElementEnd(): boolean {
    return this.index === this.text.length || this.text[this.index] === ","
  }

  accept(separator: string): boolean {
    if (this.text[this.index] !== separator) return false
    this.moveTo(this.index + 1)
    return true
  }

  takeToken(): string | undefined {
    const start = this.index
    let end = start
    while (tokenBytes[this.text.charCodeAt(end)] === 1) end++
    this.moveTo(end)
    return end === start ? undefined : this.text.slice(start, end)
  }

  /** A token, or a quoted string with nothing but a token in it (RFC 6455 §9.1). */
  takeValue(): string | undefined {
    if (this.text[this.index] !== '"') return this.takeToken()
    let content = ""
    let index = this.index + 1
    for (; this.text[index] !== '"'; index++) {
      if (this.text[index] === "\\") index++
      if (index >= this.text.length) return undefined
      content += this.text[index]
    }
    this.moveTo(index + 1)
    return isToken(content) ? content : undefined
  }

  private moveTo(index: number): void {
    this.index = skipBlanks(this.text, index)
  }
}

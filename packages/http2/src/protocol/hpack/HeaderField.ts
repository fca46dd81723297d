import type { ByteString } from "@pagi/core/bytes/ByteString"

/** What a field's size counts beyond the bytes of its name and value (RFC 7541 §4.1). */
export const fieldOverhead = 32

/**
 * A header field. Those in tables are shared by all header blocks that refer to them, so what is found out about one
 * need not be found out again.
 */
export class HeaderField {
  readonly name: ByteString
  readonly value: ByteString
  /** As tables and list sizes count it (RFC 7541 §4.1). */
  readonly size: number
  /** The same as an element of a `HeaderBlock`. */
  readonly pair: readonly [name: ByteString, value: ByteString]
  /** What it means in a request, for `RequestFields`; 0 until that has been looked up. */
  meaning = 0

  constructor(name: ByteString, value: ByteString) {
    this.name = name
    this.value = value
    this.size = name.length + value.length + fieldOverhead
    this.pair = [name, value]
  }
}

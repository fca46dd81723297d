import type { ByteString } from "@pagi/core/bytes/ByteString"
import type { DecodedFields } from "./DecodedFields.ts"
import { BlockInput } from "./BlockInput.ts"
import { defaultTableSize, DynamicTable } from "./DynamicTable.ts"
import { HeaderField } from "./HeaderField.ts"
import { readInteger } from "./Integer.ts"
import { staticField, staticLength } from "./StaticTable.ts"
import { readString } from "./StringLiteral.ts"

/**
 * Decodes the header blocks of a connection (RFC 7541 §3.2). What a block's octets begin with (§6):
 *
 *   1xxxxxxx  an indexed field
 *   01xxxxxx  a literal field that is added to the table
 *   001xxxxx  a change of the table's size, only before the first field of a block (§4.2)
 *   0001xxxx  a literal field that shall never be indexed
 *   0000xxxx  a literal field
 */
export class Decoder {
  private readonly table = new DynamicTable(defaultTableSize)
  private readonly input = new BlockInput()
  private readonly maxTableSize: number

  /** `maxTableSize` is the SETTINGS_HEADER_TABLE_SIZE that was announced. */
  constructor(maxTableSize: number) {
    this.maxTableSize = maxTableSize
  }

  /** Decodes a complete header block into the list; `false` means COMPRESSION_ERROR, after which there is no next. */
  decode(bytes: Uint8Array, start: number, end: number, list: DecodedFields): boolean {
    this.input.begin(bytes, start, end)
    const isValid = this.readSizes() && this.readFields(list)
    this.input.clear()
    return isValid
  }

  private readSizes(): boolean {
    const { input } = this
    while ((input.peek() & 0xe0) === 0x20) {
      const size = readInteger(input, 0x1f)
      if (size < 0 || size > this.maxTableSize) return false
      this.table.resize(size)
    }
    return true
  }

  private readFields(list: DecodedFields): boolean {
    const { input } = this
    while (!input.isAtEnd) {
      const first = input.peek()
      const field = first >= 0x80 ? this.fieldAt(readInteger(input, 0x7f)) : this.readLiteral(first)
      if (field === undefined) return false
      list.push(field)
    }
    return true
  }

  /** RFC 7541 §2.3.3. There is nothing at 0, nor at the -1 of an integer that could not be read. */
  private fieldAt(index: number): HeaderField | undefined {
    return index <= staticLength ? staticField(index) : this.table.get(index - staticLength - 1)
  }

  private readLiteral(first: number): HeaderField | undefined {
    if (first >= 0x40) {
      const field = this.readPair(0x3f)
      if (field !== undefined) this.table.add(field)
      return field
    }
    return first < 0x20 ? this.readPair(0x0f) : undefined
  }

  private readPair(prefix: number): HeaderField | undefined {
    const name = this.readName(readInteger(this.input, prefix))
    if (name === undefined) return undefined
    const value = readString(this.input)
    return value === undefined ? undefined : new HeaderField(name, value)
  }

  private readName(index: number): ByteString | undefined {
    return index === 0 ? readString(this.input) : this.fieldAt(index)?.name
  }
}

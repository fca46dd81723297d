import type { ByteString } from "@pagi/core/bytes/ByteString"
import type { OutputBuffer } from "../wire/OutputBuffer.ts"
import { defaultTableSize, DynamicTable } from "./DynamicTable.ts"
import { fieldOverhead, HeaderField } from "./HeaderField.ts"
import { maxIntegerLength, writeInteger } from "./Integer.ts"
import { KnownName } from "./KnownName.ts"
import { staticFieldIndex, staticLength } from "./StaticTable.ts"
import { maxStringLength, writeString } from "./StringLiteral.ts"

/** Names that are remembered; an application that uses more has them forgotten all at once. */
const maxNames = 64

/**
 * Encodes the header blocks of a connection, straight to where their frames are written. `begin` comes before the fields
 * of each block.
 *
 * A field that is in a table is written as its index. One that is not is added to the dynamic table when it comes for
 * the second time, and nothing else that was new came for its name between; so values that never come again leave no
 * trace there. Nor do credentials (RFC 7541 §7.1.3), nor fields that would take more than half of it.
 */
export class Encoder {
  private readonly table = new DynamicTable(defaultTableSize)
  private readonly names = new Map<ByteString, KnownName>()
  private readonly maxTableSize: number
  /** The size that the table shall have from the next block on, and the smallest that was asked for meanwhile. */
  private nextSize: number
  private smallestSize: number

  /** `maxTableSize` is what we use even if the peer would allow for more. */
  constructor(maxTableSize: number = defaultTableSize) {
    this.maxTableSize = maxTableSize
    this.nextSize = Math.min(maxTableSize, defaultTableSize)
    this.smallestSize = this.nextSize
  }

  /** Takes the peer's SETTINGS_HEADER_TABLE_SIZE. */
  setMaxTableSize(size: number): void {
    this.nextSize = Math.min(size, this.maxTableSize)
    this.smallestSize = Math.min(this.smallestSize, this.nextSize)
  }

  /** Begins a block, with changes of the table's size if there were any (RFC 7541 §4.2). */
  begin(out: OutputBuffer): void {
    if (this.smallestSize < this.table.maxSize) this.resize(out, this.smallestSize)
    if (this.nextSize !== this.table.maxSize) this.resize(out, this.nextSize)
    this.smallestSize = this.nextSize
  }

  private resize(out: OutputBuffer, size: number): void {
    this.table.resize(size)
    out.reserve(maxIntegerLength)
    writeInteger(out, 0x20, 0x1f, size)
  }

  /** Encodes `:status`. */
  status(out: OutputBuffer, status: number): void {
    if (status === 200) {
      out.reserve(1)
      out.byte(0x88)
    } else this.field(out, ":status", String(status))
  }

  /** Encodes a field, whose name is in lower case. */
  field(out: OutputBuffer, name: ByteString, value: ByteString): void {
    const known = this.names.get(name) ?? this.meet(name)
    const { table } = this
    const age = known.ageOf(value, table)
    const index = age === -1 ? staticFieldIndex(known.staticIndex, value) : staticLength + 1 + age
    if (index === 0) return this.literal(out, known, value)
    out.reserve(maxIntegerLength)
    writeInteger(out, 0x80, 0x7f, index)
  }

  private meet(name: ByteString): KnownName {
    if (this.names.size >= maxNames) this.names.clear()
    const known = new KnownName(name)
    this.names.set(name, known)
    return known
  }

  private literal(out: OutputBuffer, known: KnownName, value: ByteString): void {
    const { table } = this
    if (known.isSensitive) return this.write(out, known, value, 0x10, 0x0f)
    const isSmall = 2 * (known.name.length + value.length + fieldOverhead) <= table.maxSize
    if (!isSmall || known.lastValue !== value) {
      known.lastValue = isSmall ? value : undefined
      return this.write(out, known, value, 0, 0x0f)
    }
    this.write(out, known, value, 0x40, 0x3f)
    table.add(new HeaderField(known.name, value))
    known.note(value, table)
  }

  private write(out: OutputBuffer, known: KnownName, value: ByteString, flags: number, prefix: number): void {
    const nameIndex = known.nameIndex(this.table)
    out.reserve(maxIntegerLength + maxStringLength(known.name) + maxStringLength(value))
    writeInteger(out, flags, prefix, nameIndex)
    if (nameIndex === 0) writeString(out, known.name)
    writeString(out, value)
  }
}

import type { ByteString } from "@pagi/core/bytes/ByteString"
import type { DynamicTable } from "./DynamicTable.ts"
import { staticLength, staticNameIndex } from "./StaticTable.ts"

/** A value of a name that was added to the dynamic table, as the `number`-th field of all, counted from 1. */
interface AddedValue {
  readonly value: ByteString
  readonly number: number
  /** What was added before it for the same name. */
  older: AddedValue | undefined
}

/** Values of one name that are found again, of those that were added last. */
const maxValues = 4

/** Fields whose values are to be guessed by nobody who can see the size of what is sent (RFC 7541 §7.1). */
const sensitiveNames: ReadonlySet<ByteString> = new Set([
  "authorization",
  "proxy-authorization",
  "cookie",
  "set-cookie"
])

/** What an encoder knows of the name of a field: where it is in the tables, and with which values. */
export class KnownName {
  readonly name: ByteString
  readonly isSensitive: boolean
  /** Its first index in the static table; 0 when it has none. */
  readonly staticIndex: number
  /** The last of its values that were in no table. */
  lastValue: ByteString | undefined = undefined
  private newest: AddedValue | undefined = undefined

  constructor(name: ByteString) {
    this.name = name
    this.isSensitive = sensitiveNames.has(name)
    this.staticIndex = staticNameIndex(name)
  }

  /** The age that the name with this value has in the dynamic table; -1 when it is not there. */
  ageOf(value: ByteString, table: DynamicTable): number {
    for (let added = this.newest; added !== undefined; added = added.older) {
      if (added.value !== value) continue
      const age = table.added - added.number
      return age < table.length ? age : -1
    }
    return -1
  }

  /** An index of the name in either table; 0 when there is none. */
  nameIndex(table: DynamicTable): number {
    if (this.staticIndex !== 0 || this.newest === undefined) return this.staticIndex
    const age = table.added - this.newest.number
    return age < table.length ? staticLength + 1 + age : 0
  }

  /** Notes a value that has just been added to the table. */
  note(value: ByteString, table: DynamicTable): void {
    this.newest = { value, number: table.added, older: this.newest }
    this.lastValue = undefined
    let last = this.newest
    for (let count = 1; last.older !== undefined && count < maxValues; count++) last = last.older
    last.older = undefined
  }
}

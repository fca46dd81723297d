import type { HeaderField } from "./HeaderField.ts"

/**
 * Bytes that a table may hold until SETTINGS_HEADER_TABLE_SIZE says otherwise (RFC 9113 §6.5.2); we leave it at that.
 */
export const defaultTableSize = 4096

/** Places that are made first; they double when there are too few. */
const firstCapacity = 8

/**
 * The fields that were added last, as many as fit (RFC 7541 §2.3.2 and §4), in a ring: the n-th that was ever added, from
 * 0, has place n modulo the capacity, which is a power of two.
 */
export class DynamicTable {
  /** How many fields were ever added. */
  added = 0
  /** How many of them are still here. */
  length = 0
  /** Their bytes, as `HeaderField.size` counts them. */
  size = 0
  maxSize: number
  private places: Array<HeaderField | undefined> = []

  constructor(maxSize: number) {
    this.maxSize = maxSize
  }

  /** The field after which so many were added; `undefined` when it is not here. */
  get(age: number): HeaderField | undefined {
    return age < this.length ? this.places[(this.added - 1 - age) & (this.places.length - 1)] : undefined
  }

  /** Adds a field, for which older ones go. One that is larger than the table empties it (RFC 7541 §4.4). */
  add(field: HeaderField): void {
    this.evict(this.maxSize - field.size)
    if (field.size > this.maxSize) return
    if (this.length === this.places.length) this.grow()
    this.places[this.added & (this.places.length - 1)] = field
    this.added++
    this.length++
    this.size += field.size
  }

  /** Changes what the table may hold (RFC 7541 §4.3). */
  resize(maxSize: number): void {
    this.maxSize = maxSize
    this.evict(maxSize)
  }

  /** Removes the oldest fields until those that are left have no more than this size. */
  private evict(size: number): void {
    while (this.size > size && this.length > 0) {
      const place = (this.added - this.length) & (this.places.length - 1)
      this.size -= this.places[place]?.size ?? 0
      this.places[place] = undefined
      this.length--
    }
  }

  private grow(): void {
    const { added, length, places } = this
    const capacity = Math.max(firstCapacity, 2 * places.length)
    const grown = Array.from({ length: capacity }, (): HeaderField | undefined => undefined)
    for (let number = added - length; number < added; number++) {
      grown[number & (capacity - 1)] = places[number & (places.length - 1)]
    }
    this.places = grown
  }
}

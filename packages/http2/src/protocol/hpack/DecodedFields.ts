import type { HeaderField } from "./HeaderField.ts"

/**
 * The fields of the header block that is being decoded. Beyond its limits it drops them, while the decoder goes on to
 * keep its table true (RFC 9113 §10.5.1).
 */
export class DecodedFields {
  fields: Array<HeaderField> = []
  /** Whether fields were dropped. */
  isTooLarge = false
  private size = 0
  private readonly maxSize: number
  private readonly maxCount: number

  /** Sizes as SETTINGS_MAX_HEADER_LIST_SIZE counts them (RFC 9113 §6.5.2). */
  constructor(maxSize: number, maxCount: number) {
    this.maxSize = maxSize
    this.maxCount = maxCount
  }

  push(field: HeaderField): void {
    this.size += field.size
    if (this.size > this.maxSize || this.fields.length >= this.maxCount) this.isTooLarge = true
    else this.fields.push(field)
  }

  clear(): void {
    // Cheaper than to empty the old one.
    this.fields = []
    this.size = 0
    this.isTooLarge = false
  }
}

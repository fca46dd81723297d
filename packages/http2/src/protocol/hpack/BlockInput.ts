const nothing = new Uint8Array(0)

/** A header block that is being read. */
export class BlockInput {
  bytes: Uint8Array = nothing
  position = 0
  end = 0

  begin(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes
    this.position = start
    this.end = end
  }

  /** Lets go of the bytes. */
  clear(): void {
    this.bytes = nothing
  }

  get isAtEnd(): boolean {
    return this.position >= this.end
  }

  /** The next octet, which stays; 0 at the end. */
  peek(): number {
    return this.position < this.end ? (this.bytes[this.position] ?? 0) : 0
  }

  /** Takes the next octet; 0 at the end. */
  next(): number {
    return this.position < this.end ? (this.bytes[this.position++] ?? 0) : 0
  }
}

/** Random numbers that a seed determines (Marsaglia's xorshift, 32 bits). */
export class Random {
  #state: number

  constructor(seed: number) {
    // Zero would stay zero; the first numbers of small seeds are much alike.
    this.#state = seed | 0 || 1
    for (let count = 0; count < 10; count++) this.#next()
  }

  #next(): number {
    this.#state ^= this.#state << 13
    this.#state ^= this.#state >>> 17
    this.#state ^= this.#state << 5
    return this.#state >>> 0
  }

  /** A whole number from 0 to below the limit. */
  below(limit: number): number {
    return this.#next() % limit
  }

  of<A>(values: readonly [A, ...ReadonlyArray<A>]): A {
    return values[this.below(values.length)] ?? values[0]
  }

  /** Up to so many bytes. */
  bytes(maxLength: number): string {
    return String.fromCharCode(...Array.from({ length: this.below(maxLength + 1) }, () => this.below(256)))
  }
}

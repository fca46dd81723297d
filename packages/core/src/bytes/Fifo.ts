/** Queues whose cost does not grow with what waits in them. */

/** Items that were taken and whose places are kept, at least; most queues never come so far. */
const minTaken = 32

/** Places that an empty queue keeps: arrays whose length becomes 0 let go of their memory, which the next items need. */
const maxKept = 256

/**
 * A queue whose cost does not depend on how much waits in it. `Array.prototype.shift` moves everything that is left, as
 * soon as that is more than some ten thousand items.
 */
export class Fifo<A> {
  private readonly items: Array<A | undefined> = []
  /** Where the item is that comes next; before it are places of those that were taken. */
  private first = 0
  /** Where the next one goes; behind it are places without any. */
  private end = 0

  get length(): number {
    return this.end - this.first
  }

  push(item: A): void {
    this.items[this.end++] = item
  }

  /** The item that comes next, and the one that came last. */
  get head(): A | undefined {
    return this.items[this.first]
  }

  get last(): A | undefined {
    return this.length === 0 ? undefined : this.items[this.end - 1]
  }

  /** Takes the item that comes next. */
  shift(): A | undefined {
    const { end, first, items } = this
    if (first === end) return undefined
    const item = items[first]
    // What was taken must not live as long as the queue.
    items[first] = undefined
    this.first = first + 1
    if (this.first === end) this.restart()
    else if (this.first >= minTaken && this.first * 2 >= end) this.closeUp()
    return item
  }

  /** Begins in front again; every place is empty. */
  private restart(): void {
    this.first = 0
    this.end = 0
    if (this.items.length > maxKept) this.items.length = 0
  }

  /** Moves what waits to the front. */
  private closeUp(): void {
    this.items.splice(0, this.first)
    this.end -= this.first
    this.first = 0
  }

  clear(): void {
    this.items.length = 0
    this.first = 0
    this.end = 0
  }
}

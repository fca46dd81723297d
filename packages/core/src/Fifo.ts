/** Items that were taken and whose places are kept, at least; most queues never come so far. */
const minTaken = 32

/**
 * A queue whose cost does not depend on how much waits in it. `Array.prototype.shift` moves everything that is left, as
 * soon as that is more than some ten thousand items.
 */
export class Fifo<A> {
  private readonly items: Array<A | undefined> = []
  /** Where the item is that comes next; before it are places of those that were taken. */
  private first = 0

  get length(): number {
    return this.items.length - this.first
  }

  push(item: A): void {
    this.items.push(item)
  }

  /** The item that comes next, and the one that came last. */
  get head(): A | undefined {
    return this.items[this.first]
  }

  get last(): A | undefined {
    return this.length === 0 ? undefined : this.items.at(-1)
  }

  /** Takes the item that comes next. */
  shift(): A | undefined {
    const { first, items } = this
    if (first === items.length) return undefined
    const item = items[first]
    // What was taken must not live as long as the queue.
    items[first] = undefined
    this.first = first + 1
    if (this.first === items.length) this.clear()
    else if (this.first >= minTaken && this.first * 2 >= items.length) {
      items.splice(0, this.first)
      this.first = 0
    }
    return item
  }

  clear(): void {
    this.items.length = 0
    this.first = 0
  }
}

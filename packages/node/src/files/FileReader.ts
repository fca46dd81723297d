import type { FilePart, FileUnreadable } from "@pagi/core/contract/FileSource"
import * as Effect from "effect/Effect"
import { read } from "node:fs"
import { fromSystem } from "./FileProblem.ts"
import { type PiecePool, pieceSize } from "./PiecePool.ts"

const nothing = new Uint8Array(0)

/**
 * Reads a part of an open file from the front to the end, in other threads. The next piece is read while the one before
 * is being sent, so that disk and network work at the same time; there is never more than one ahead.
 */
export class FileReader {
  readonly #file: FilePart["file"]
  readonly #descriptor: number
  readonly #pool: PiecePool
  #position: number
  #remaining: number
  #isReading = false
  /** The memory of the piece that comes next, as long as there is a read for it. */
  #buffer: Buffer | undefined = undefined
  /** How many bytes were read into it, or why none were. */
  #outcome: number | FileUnreadable = 0
  /** The memory of pieces that were taken, and how much of it they are. */
  readonly #lent: Array<{ readonly buffer: Buffer; readonly length: number }> = []
  /** Waits for the end of the read under way. */
  #waiter: (() => void) | undefined = undefined

  /** Starts with the first piece. */
  constructor({ file, offset }: FilePart, descriptor: number, length: number, pool: PiecePool) {
    this.#file = file
    this.#descriptor = descriptor
    this.#position = offset
    this.#remaining = length
    this.#pool = pool
    this.#start()
  }

  #start(): void {
    const buffer = this.#pool.take()
    this.#buffer = buffer
    this.#isReading = true
    const length = Math.min(pieceSize, this.#remaining)
    read(this.#descriptor, buffer, 0, length, this.#position, (error, count) => {
      this.#isReading = false
      this.#outcome = error === null ? count : fromSystem(this.#file, error)
      const waiter = this.#waiter
      this.#waiter = undefined
      waiter?.()
    })
  }

  #take(): Effect.Effect<Uint8Array, FileUnreadable> {
    const buffer = this.#buffer
    const count = this.#outcome
    if (buffer === undefined) return Effect.succeed(nothing)
    if (typeof count !== "number") return Effect.fail(count)
    this.#buffer = undefined
    this.#lent.push({ buffer, length: count })
    this.#position += count
    this.#remaining -= count
    if (count > 0 && this.#remaining > 0) this.#start()
    return Effect.succeed(buffer.subarray(0, count))
  }

  /** The next piece; an empty one when the file has become shorter, or was read to its end. */
  readonly next: Effect.Effect<Uint8Array, FileUnreadable> = Effect.suspend(() =>
    this.#isReading ? Effect.flatMap(this.#arrival, () => this.#take()) : this.#take()
  )

  readonly #arrival: Effect.Effect<void> = Effect.callback((resume) => {
    // The fiber may have been scheduled away before it got here.
    if (!this.#isReading) return resume(Effect.void)
    this.#waiter = () => resume(Effect.void)
    return Effect.sync(() => {
      this.#waiter = undefined
    })
  })

  /** No read is under way: only then may the descriptor be closed, whose number can be another file's at once. */
  readonly settled: Effect.Effect<void> = Effect.suspend(() => (this.#isReading ? this.#arrival : Effect.void))

  /** Why the next piece cannot be had; to be asked when no read is under way. */
  get problem(): FileUnreadable | undefined {
    return typeof this.#outcome === "number" ? undefined : this.#outcome
  }

  /** Of the pieces that were taken, only the last `inUse` bytes are still needed. */
  reclaim(inUse: number): void {
    const lent = this.#lent
    let first = lent.length
    for (let needed = inUse; needed > 0 && first > 0; first--) needed -= lent[first - 1]?.length ?? 0
    for (const { buffer } of lent.splice(0, first)) this.#pool.give(buffer)
  }

  /** No piece will be asked for any more, and no read is under way. */
  end(): void {
    if (this.#buffer !== undefined) this.#pool.give(this.#buffer)
    this.#buffer = undefined
  }
}

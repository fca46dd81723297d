import type * as Zlib from "node:zlib"

/** A stream of `node:zlib` that was made, and what has gone through it. */
export interface RecordedStream {
  readonly stream: Zlib.DeflateRaw | Zlib.InflateRaw
  outputBytes: number
  writes: number
  /** Length of what another thread works on. */
  underWay: number
}

/** All streams since they were last cleared, in the order in which they were made. */
export const streams: Array<RecordedStream> = []

/** What is under way in other threads. */
export const underWay = (): ReadonlyArray<number> =>
  streams.filter((recorded) => recorded.underWay > 0).map((recorded) => recorded.underWay)

/** Called whenever something is written. */
export const hooks = { onWrite: (): void => {}, failNextWrite: false }

const record = <Stream extends Zlib.DeflateRaw | Zlib.InflateRaw>(stream: Stream): Stream => {
  const recorded: RecordedStream = { stream, outputBytes: 0, writes: 0, underWay: 0 }
  streams.push(recorded)
  stream.on("data", (chunk: Uint8Array) => {
    recorded.outputBytes += chunk.length
  })
  const end = (): void => {
    recorded.underWay = 0
  }
  stream.on("close", end)
  const write = stream.write.bind(stream) as (bytes: Uint8Array, done: (error?: Error | null) => void) => boolean
  // One of several signatures; it is the one that is used.
  stream.write = ((bytes: Uint8Array, done: (error?: Error | null) => void): boolean => {
    recorded.writes++
    if (hooks.failNextWrite) {
      hooks.failNextWrite = false
      stream.destroy(new Error("out of memory"))
      return true
    }
    recorded.underWay = bytes.length
    hooks.onWrite()
    return write(bytes, (error) => {
      end()
      done(error)
    })
  }) as Stream["write"]
  return stream
}

/** The module with functions that record what they make; for `vi.mock`. */
export const recording = (zlib: typeof Zlib): typeof Zlib => ({
  ...zlib,
  createDeflateRaw: (options) => record(zlib.createDeflateRaw(options)),
  createInflateRaw: (options) => record(zlib.createInflateRaw(options))
})

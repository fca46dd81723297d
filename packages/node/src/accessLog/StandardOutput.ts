/**
 * Standard output and standard error that never stop the process. Where they are pipes or sockets, Node writes without
 * blocking. But that is a property of the pipe and not of the process, and every program that is started with it, or
 * ends, may change it for all that have it: a process then stands still in `write` until somebody reads. So here it is
 * set before every write, and what does not fit is tried again. Lines that nobody reads are kept up to a bound.
 *
 * What is not reached by this is text that does not come by `process.stdout` and `process.stderr`: an application that
 * calls `fs.writeSync(2, …)`, or native code. A terminal blocks as well while its user has stopped it.
 */
import { writeSync } from "node:fs"
import { Socket } from "node:net"

/** Bytes that may wait, beyond which what is written is dropped. */
const pendingLimit = 1_048_576

/** Milliseconds until a pipe that was full is tried again. */
const retryDelay = 20

type Done = (error?: Error | null) => void

/** Standard output or standard error as Node has it. */
type Output = NodeJS.WriteStream & { readonly fd: number }

/** What is not declared of it: the handle below, and what a stream is made of. */
interface Internals {
  readonly _handle?: { readonly setBlocking?: (blocks: boolean) => unknown } | null
  _write: (chunk: Uint8Array | string, encoding: BufferEncoding, done: Done) => void
  _writev?: ((chunks: ReadonlyArray<{ readonly chunk: Uint8Array | string }>, done: Done) => void) | null
  /** All of its forms in one. */
  write: (chunk: string | Uint8Array, encoding?: BufferEncoding | Done, done?: Done) => boolean
}

/** Whether somebody has to read it: a pipe or a socket. */
const isRead = (output: unknown): boolean => output instanceof Socket && !("isTTY" in output && output.isTTY)

const toBytes = (chunk: Uint8Array | string): Uint8Array => (typeof chunk === "string" ? Buffer.from(chunk) : chunk)

const codeOf = (error: unknown): unknown => (error instanceof Error && "code" in error ? error.code : undefined)

/** Keeps an output from stopping the process; `name` is what messages call it. Nothing is done to files and terminals. */
export const guard = (output: Output, name: string): void => {
  if (!isRead(output)) return
  const internals = output as unknown as Internals // Not declared, because it is not public; see above.
  const handle = internals._handle
  const writeAll = (bytes: Uint8Array, done: Done): void => {
    try {
      handle?.setBlocking?.(false)
      const written = writeSync(output.fd, bytes)
      if (written === bytes.length) return done()
      writeAll(bytes.subarray(written), done)
    } catch (error) {
      if (codeOf(error) === "EAGAIN") setTimeout(writeAll, retryDelay, bytes, done)
      else done(error instanceof Error ? error : new Error(String(error)))
    }
  }
  internals._write = (chunk, _encoding, done) => writeAll(toBytes(chunk), done)
  internals._writev = (chunks, done) => writeAll(Buffer.concat(chunks.map(({ chunk }) => toBytes(chunk))), done)
  dropBeyondLimit(output, internals, name)
}

/** Lets no more than `pendingLimit` wait; says how much was lost when there is room again. */
const dropBeyondLimit = (output: Output, internals: Internals, name: string): void => {
  const write = internals.write.bind(output)
  let lost = 0
  const tell = (): void => {
    const message = `warning: messages to ${name} that were lost, as nobody read it: ${lost}\n`
    lost = 0
    write(message)
  }
  const full = (): Error => Object.assign(new Error(`${name} is not read`), { code: "EAGAIN" })
  internals.write = (chunk, encoding, done) => {
    const onDone = typeof encoding === "function" ? encoding : done
    if (output.writableLength > pendingLimit) {
      // `console` waits for an answer too, and does nothing with it; lines of the access log, which do, are bytes.
      if (onDone === undefined || typeof chunk === "string") lost++
      if (onDone !== undefined) process.nextTick(onDone, full())
      return false
    }
    if (lost > 0) tell()
    return write(chunk, encoding, done)
  }
}

/** Writes to a descriptor; `done` is told how many bytes the system has taken. */
export type Write = (bytes: Uint8Array, done: (error: NodeJS.ErrnoException | null, written: number) => void) => void

/** How to write to standard output (1) or standard error (2) where that has to be read; nothing for files and terminals. */
export const writeOf = (descriptor: number): Write | undefined => {
  const output = descriptor === process.stdout.fd ? process.stdout : process.stderr
  if (!isRead(output)) return undefined
  return (bytes, done) => output.write(bytes, (error) => done(error ?? null, bytes.length))
}

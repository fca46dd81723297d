/**
 * Standard output and standard error that never stop the process, and of which no message is lost without a word. Where
 * they are pipes or sockets, Node writes without
 * blocking. But that is a property of the pipe and not of the process, and every program that is started with it, or
 * ends, may change it for all that have it: a process then stands still in `write` until somebody reads. So here it is
 * set before every write, and what does not fit is tried again. Lines that nobody reads are kept up to a bound. What is
 * beyond it, or cannot be written since the disk is full or the reader has gone, is counted, and told before the next
 * message that can be written.
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

/** Which of the two it is. */
export type OutputName = "stdout" | "stderr"

const titles: Readonly<Record<OutputName, string>> = { stdout: "standard output", stderr: "standard error" }

/** Why messages were lost, by the code of the system. */
const reasons: Readonly<Record<string, string>> = {
  EAGAIN: "as nobody read it",
  EPIPE: "as nobody read it any more",
  ECONNRESET: "as nobody read it any more",
  ENOSPC: "as the disk was full",
  EDQUOT: "as the disk was full"
}

/** The messages to an output that were lost. */
class Losses {
  total = 0
  /** Of which nobody has been told. */
  untold = 0
  /** Why the last of them was. */
  code = ""
  /** Whether the last thing that was written is the beginning of something. */
  isTorn = false

  add(error: unknown): void {
    this.total++
    this.untold++
    this.code = String(codeOf(error) ?? error)
  }
}

const losses: Readonly<Record<OutputName, Losses>> = { stdout: new Losses(), stderr: new Losses() }

/** How many messages to an output were lost since the process was started, if it is guarded. */
export const lostMessages = (name: OutputName): number => losses[name].total

/** Makes a line of a warning about an output. */
export type NoticeFormat = (text: string, name: OutputName) => string

let formatNotice: NoticeFormat = (text) => `warning: ${text}`

/** Has lines about what was lost look like those among which they stand. */
export const formatNoticesBy = (format: NoticeFormat): void => {
  formatNotice = format
}

const full = (name: OutputName): Error => Object.assign(new Error(`${titles[name]} is not read`), { code: "EAGAIN" })

/** Keeps an output from stopping the process, and counts what is lost of it. Nothing is done to terminals. */
export const guard = (output: Output, name: OutputName): void => {
  if (output.isTTY) return
  const internals = output as unknown as Internals // Not declared, because it is not public; see above.
  const lost = losses[name]
  writeWithoutWaiting(output, internals, lost)
  countLosses(output, internals, name, lost)
}

/** Has all of what is written be written, as soon as that goes. */
const writeWithoutWaiting = (output: Output, internals: Internals, lost: Losses): void => {
  const handle = internals._handle
  const writeAll = (bytes: Uint8Array, done: Done, hasBegun = false): void => {
    let rest = bytes
    try {
      handle?.setBlocking?.(false)
      while (rest.length > 0) rest = rest.subarray(writeSync(output.fd, rest))
      lost.isTorn = false
      return done()
    } catch (error) {
      const isBegun = hasBegun || rest.length < bytes.length
      if (codeOf(error) === "EAGAIN") return void setTimeout(writeAll, retryDelay, rest, done, isBegun)
      if (isBegun) lost.isTorn = true
      done(error instanceof Error ? error : new Error(String(error)))
    }
  }
  internals._write = (chunk, _encoding, done) => writeAll(toBytes(chunk), done)
  internals._writev = (chunks, done) => writeAll(Buffer.concat(chunks.map(({ chunk }) => toBytes(chunk))), done)
}

/** Lets no more than `pendingLimit` wait; says how much was lost, of that and otherwise, as soon as it can be said. */
const countLosses = (output: Output, internals: Internals, name: OutputName, lost: Losses): void => {
  const write = internals.write.bind(output)
  const tell = (): void => {
    const count = lost.untold
    lost.untold = 0
    const why = reasons[lost.code] ?? `as it failed with ${lost.code}`
    const line = formatNotice(`messages to ${titles[name]} that were lost, ${why}: ${count}`, name)
    write(`${lost.isTorn ? "\n" : ""}${line}\n`, "utf8", (error) => {
      if (error instanceof Error) lost.untold += count
    })
  }
  internals.write = (chunk, encoding, done) => {
    const onDone = typeof encoding === "function" ? encoding : done
    // `console` waits for an answer too, and does nothing with it; lines of the access log, which do, are bytes.
    const isMessage = onDone === undefined || typeof chunk === "string"
    if (output.writableLength > pendingLimit) {
      const error = full(name)
      if (isMessage) lost.add(error)
      if (onDone !== undefined) process.nextTick(onDone, error)
      return false
    }
    if (lost.untold > 0) tell()
    return write(chunk, typeof encoding === "string" ? encoding : undefined, (error) => {
      if (isMessage && error instanceof Error) lost.add(error)
      onDone?.(error)
    })
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

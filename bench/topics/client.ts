/**
 * The subscribers of the rows about topics: opens connections, and looks at each message that comes. It prints what came
 * of it as lines of JSON, and is told by lines what to do. All messages of a run have the same length.
 */
import { connect, type Socket } from "node:net"
import { createInterface } from "node:readline"
import { parseArgs } from "node:util"
import { Latencies } from "../harness/latencies.ts"
import { controlPath, microseconds, sequenceDigits, timeDigits } from "../servers/support/publisher.ts"
import { makeHandshake } from "../websocket/handshake.ts"

const { values } = parseArgs({
  options: {
    port: { type: "string" },
    connections: { type: "string" },
    bytes: { type: "string" }
  }
})

const port = Number(values.port)
const count = Number(values.connections)
const bytes = Number(values.bytes)
const headerBytes = bytes < 126 ? 2 : 4
const frameBytes = headerBytes + bytes
/** Connections that are opened at a time. */
const opening = 50

/** What all connections have come to since the last `begin`. */
const tally = { messages: 0, problems: new Map<string, number>(), latencies: new Latencies(), measures: false }

const note = (problem: string): void => {
  tally.problems.set(problem, (tally.problems.get(problem) ?? 0) + 1)
}

const digits = (buffer: Uint8Array, from: number, length: number): number => {
  let value = 0
  for (let index = from; index < from + length; index++) value = value * 10 + (buffer[index] ?? 0) - 0x30
  return value
}

/** How many connections have got all messages before a number, for the publisher. */
const arrived = new Map<number, number>()
let control: Socket | undefined = undefined

const onArrived = (next: number): void => {
  const connections = (arrived.get(next) ?? 0) + 1
  if (connections < count) return void arrived.set(next, connections)
  arrived.delete(next)
  control?.write(`got ${next}\n`)
}

class Subscriber {
  readonly #socket: Socket
  readonly #handshake = makeHandshake(port)
  readonly #opened = Promise.withResolvers<void>()
  readonly #piece = new Uint8Array(frameBytes)
  #pieceLength = 0
  #head = ""
  #isOpen = false
  next = 0

  constructor(readBuffer: Buffer) {
    const callback = (length: number, bytes: Uint8Array): boolean => {
      if (this.#isOpen) this.#onFrames(bytes, length)
      else this.#onHead(Buffer.from(bytes.buffer, bytes.byteOffset, length).toString("latin1"))
      return true
    }
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true, onread: { buffer: readBuffer, callback } })
    this.#socket.on("connect", () => this.#socket.write(this.#handshake.request))
    this.#socket.on("error", (error) => this.#fail(error.message))
    this.#socket.on("close", () => this.#fail("closed by the server"))
  }

  get opened(): Promise<void> {
    return this.#opened.promise
  }

  #fail(problem: string): void {
    note(problem)
    this.#opened.resolve()
  }

  #onHead(text: string): void {
    this.#head += text
    if (!this.#head.endsWith("\r\n\r\n")) return
    const problem = this.#handshake.problemWith(this.#head.slice(0, -4))
    if (problem !== undefined) return this.#fail(problem)
    this.#isOpen = true
    this.#opened.resolve()
  }

  #onFrames(read: Uint8Array, length: number): void {
    const now = tally.measures ? microseconds() : 0
    let from = 0
    if (this.#pieceLength > 0) {
      from = Math.min(length, frameBytes - this.#pieceLength)
      this.#piece.set(read.subarray(0, from), this.#pieceLength)
      this.#pieceLength += from
      if (this.#pieceLength < frameBytes) return
      this.#pieceLength = 0
      this.#onFrame(this.#piece, 0, now)
    }
    for (; from + frameBytes <= length; from += frameBytes) this.#onFrame(read, from, now)
    if (from === length) return
    this.#piece.set(read.subarray(from, length))
    this.#pieceLength = length - from
  }

  #onFrame(read: Uint8Array, from: number, now: number): void {
    if (read[from] !== 0x81) note("a frame that is no text")
    const sequence = digits(read, from + headerBytes, sequenceDigits)
    if (sequence !== this.next) note(sequence < this.next ? "a message twice or out of order" : "a message missing")
    this.next = sequence + 1
    tally.messages++
    if (tally.measures) {
      const due = digits(read, from + headerBytes + sequenceDigits, timeDigits)
      tally.latencies.record((now - due) / 1000)
    } else onArrived(this.next)
  }
}

const readBuffer = Buffer.allocUnsafeSlow(262_144)
const subscribers: Array<Subscriber> = []
for (let first = 0; first < count; first += opening) {
  const some = Array.from({ length: Math.min(opening, count - first) }, () => new Subscriber(readBuffer))
  subscribers.push(...some)
  await Promise.all(some.map((subscriber) => subscriber.opened))
}

const say = (value: object): void => void process.stdout.write(`${JSON.stringify(value)}\n`)

let usage = process.cpuUsage()
createInterface({ input: process.stdin }).on("line", (line) => {
  const [command, argument] = line.split(" ")
  if (command === "begin") {
    tally.messages = 0
    tally.latencies = new Latencies()
    tally.measures = argument === "latencies"
    arrived.clear()
    usage = process.cpuUsage()
    // Messages that all have got are told to where the messages come from.
    if (argument !== "latencies" && control === undefined) {
      control = connect(controlPath(port))
      control.on("error", (error) => note(error.message))
    }
    return say({ next: Math.max(0, ...subscribers.map(({ next }) => next)) })
  }
  const { system, user } = process.cpuUsage(usage)
  const least = Math.min(...subscribers.map(({ next }) => next))
  const at = (share: number): number => tally.latencies.microsecondsAt(share) / 1000
  say({
    messages: tally.messages,
    least,
    processorSeconds: (user + system) / 1e6,
    p50: at(0.5),
    p99: at(0.99),
    longest: at(1),
    problems: [...tally.problems].map(([problem, times]) => `${problem} (${times})`)
  })
})
say({ problems: [...tally.problems.keys()] })

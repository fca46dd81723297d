/** How servers of the rows about topics are told to publish: by lines over a Unix socket. */
import { rmSync } from "node:fs"
import { createServer, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"

export const controlPath = (port: number): string => join(tmpdir(), `pagi-bench-topics-${port}.sock`)

/** What such a server does. */
export interface Publisher {
  readonly publish: (text: string) => void
  /** Connections that get what is published, in this process. */
  readonly count: () => number
}

/** What a run of publishing came to. */
export interface Published {
  readonly messages: number
  readonly seconds: number
  /** Of this process. */
  readonly processorSeconds: number
  /** From publishing a message until the event loop has come round, in milliseconds. */
  readonly longestTurn: number
}

/** Of the number and of the time with which a message begins. */
export const sequenceDigits = 10
export const timeDigits = 16

export const microseconds = (): number => Number(process.hrtime.bigint() / 1000n)

/** Messages have their number, and the time at which they were due. */
const textOf = (length: number): ((sequence: number, due: number) => string) => {
  const rest = "x".repeat(length - sequenceDigits - timeDigits)
  return (sequence, due) =>
    `${String(sequence).padStart(sequenceDigits, "0")}${String(due).padStart(timeDigits, "0")}${rest}`
}

class Run {
  readonly #publisher: Publisher
  readonly #text: (sequence: number, due: number) => string
  readonly #startedAt = performance.now()
  readonly #usage = process.cpuUsage()
  readonly #first: number
  #next: number
  #acknowledged: number
  #longestTurn = 0
  #onAcknowledged: () => void = () => undefined
  #ended: ((published: Published) => void) | undefined = undefined

  constructor(publisher: Publisher, bytes: number, first: number) {
    this.#publisher = publisher
    this.#text = textOf(bytes)
    this.#first = first
    this.#next = first
    this.#acknowledged = first
  }

  /** All clients have got the messages before this one. */
  acknowledge(next: number): void {
    this.#acknowledged = next
    this.#onAcknowledged()
  }

  /**
   * `together` messages a turn, as of so many who speak at the same time, as long as no more than `window` have not arrived
   * everywhere; otherwise it does nothing.
   */
  saturate(seconds: number, window: number, together: number, ended: (published: Published) => void): void {
    this.#ended = ended
    const until = this.#startedAt + seconds * 1000
    let isWaiting = false
    const turn = (): void => {
      isWaiting = this.#next - this.#acknowledged >= window
      if (performance.now() >= until) return this.#finish()
      if (isWaiting) return
      for (let count = 0; count < together; count++) this.#publish(microseconds())
      setImmediate(turn)
    }
    this.#onAcknowledged = () => {
      if (isWaiting) turn()
    }
    turn()
  }

  /** So many a second, each as soon as it is due: what is late is made up for. */
  keepPace(perSecond: number, seconds: number, ended: (published: Published) => void): void {
    this.#ended = ended
    const startedAt = microseconds()
    const step = 1_000_000 / perSecond
    const total = perSecond * seconds
    let sent = 0
    const tick = (): void => {
      const now = microseconds()
      while (sent < total && startedAt + sent * step <= now) this.#publish(Math.round(startedAt + step * sent++))
      if (sent >= total) return this.#finish()
      setTimeout(tick, Math.max(0, (startedAt + sent * step - microseconds()) / 1000))
    }
    tick()
  }

  #publish(due: number): void {
    const before = performance.now()
    this.#publisher.publish(this.#text(this.#next++, due))
    setImmediate(() => {
      this.#longestTurn = Math.max(this.#longestTurn, performance.now() - before)
    })
  }

  #finish(): void {
    const { system, user } = process.cpuUsage(this.#usage)
    this.#onAcknowledged = () => undefined
    this.#ended?.({
      messages: this.#next - this.#first,
      seconds: (performance.now() - this.#startedAt) / 1000,
      processorSeconds: (user + system) / 1e6,
      longestTurn: this.#longestTurn
    })
  }
}

/**
 * Lines: `count`; `saturate BYTES FIRST SECONDS WINDOW TOGETHER` and `pace BYTES FIRST PER_SECOND SECONDS`, each of which is
 * answered when it is done; `got NEXT` while a run lasts.
 */
class Control {
  /** The acknowledgements come over another connection. */
  static run: Run | undefined = undefined
  readonly #publisher: Publisher
  readonly #socket: Socket
  #text = ""

  constructor(publisher: Publisher, socket: Socket) {
    this.#publisher = publisher
    this.#socket = socket
    socket.setEncoding("latin1")
    socket.on("error", () => socket.destroy())
    socket.on("data", (text: string) => {
      const lines = (this.#text + text).split("\n")
      this.#text = lines.pop() ?? ""
      for (const line of lines) this.#obey(line)
    })
  }

  #obey(line: string): void {
    const [command, ...words] = line.split(" ")
    const [bytes = 0, first = 0, third = 0, fourth = 0, fifth = 1] = words.map(Number)
    const answer = (value: object): void => void this.#socket.write(`${JSON.stringify(value)}\n`)
    if (command === "got") return Control.run?.acknowledge(bytes)
    if (command === "count") return answer({ connections: this.#publisher.count() })
    const run = new Run(this.#publisher, bytes, first)
    Control.run = run
    if (command === "saturate") run.saturate(third, fourth, fifth, answer)
    if (command === "pace") run.keepPace(third, fourth, answer)
  }
}

/** Of several processes that share a port, one is told. */
export const listenForControl = (port: number, publisher: Publisher): void => {
  const server = createServer((socket) => void new Control(publisher, socket))
  server.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EADDRINUSE") throw error
  })
  const path = controlPath(port)
  server.listen(path)
  process.on("exit", () => {
    if (server.listening) rmSync(path, { force: true })
  })
}

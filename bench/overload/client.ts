/** A client that asks at a steady rate whatever the server does, on as many connections as that takes. */
import { connect, type Socket } from "node:net"
import { performance } from "node:perf_hooks"

/** What came of a load. */
export interface LoadOutcome {
  /** Requests that were due in each second. */
  readonly offered: number
  /** Answers with 200 in each second that came within `patience` of when their requests were due. */
  readonly goodput: number
  /** Milliseconds from when a request was due to its answer, for those that were answered with 200; 99 % took less. */
  readonly p99: number
  /** Answers with 503 in each second. */
  readonly refused: number
  /** Requests that had no answer when the load was over, and broken connections. */
  readonly unanswered: number
}

export interface Load {
  readonly port: number
  /** Requests in each second. */
  readonly rate: number
  readonly seconds: number
  /** Seconds at the beginning that do not count. */
  readonly warmUp: number
  /** Milliseconds for which a user waits for an answer. */
  readonly patience: number
  readonly connections: number
}

const request = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"

/** The status of a whole response, which has a length. */
const statusOf = (text: string): number | undefined => {
  const end = text.indexOf("\r\n\r\n")
  if (end === -1) return undefined
  const length = Number(/content-length: (\d+)/i.exec(text.slice(0, end))?.[1])
  return text.length >= end + 4 + length ? Number(text.slice(9, 12)) : undefined
}

class Pool {
  readonly #free: Array<Socket> = []
  /** When the requests were due that wait for a connection, from the first on. */
  readonly #due: Array<number> = []
  #first = 0
  readonly #load: Load
  readonly #onAnswer: (due: number, status: number) => void
  failures = 0

  constructor(load: Load, onAnswer: (due: number, status: number) => void) {
    this.#load = load
    this.#onAnswer = onAnswer
  }

  ask(due: number): void {
    const socket = this.#free.pop()
    if (socket !== undefined) socket.emit("ask", due)
    else this.#due.push(due)
  }

  /** Opens the connections, before the load: what the system does with a burst of new ones is not measured. */
  async open(): Promise<void> {
    for (let opened = 0; opened < this.#load.connections; opened++) {
      await new Promise<void>((resolve) => this.#connect(resolve))
    }
  }

  #connect(onOpen: () => void): void {
    const socket = connect({ port: this.#load.port, host: "127.0.0.1", noDelay: true })
    let text = ""
    let asked = 0
    const next = (): void => {
      const due = this.#due[this.#first]
      if (due === undefined) this.#free.push(socket)
      else {
        this.#first++
        socket.emit("ask", due)
      }
    }
    socket.setEncoding("latin1")
    socket.on("ask", (due: number) => {
      asked = due
      socket.write(request)
    })
    socket.on("connect", () => {
      next()
      onOpen()
    })
    socket.on("data", (piece: string) => {
      text += piece
      const status = statusOf(text)
      if (status === undefined) return
      text = ""
      this.#onAnswer(asked, status)
      next()
    })
    socket.on("error", () => this.failures++)
    socket.on("close", () => {
      const at = this.#free.indexOf(socket)
      if (at >= 0) this.#free.splice(at, 1)
    })
  }
}

/** Puts the load on the server, and tells what came of it. */
export const offer = async (load: Load): Promise<LoadOutcome> => {
  const times: Array<number> = []
  let [good, refused, asked, answered] = [0, 0, 0, 0]
  let [start, counted, end] = [0, 0, 0]
  const pool = new Pool(load, (due, status) => {
    answered++
    const now = performance.now()
    if (now < counted || now >= end) return
    if (status === 503) refused++
    if (status !== 200) return
    times.push(now - due)
    if (now - due <= load.patience) good++
  })
  await pool.open()
  start = performance.now()
  counted = start + load.warmUp * 1000
  end = start + load.seconds * 1000
  for (let now = start; now < end; now = performance.now()) {
    for (; asked < ((now - start) / 1000) * load.rate; asked++) pool.ask(start + (asked / load.rate) * 1000)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  const seconds = load.seconds - load.warmUp
  times.sort((a, b) => a - b)
  return {
    offered: load.rate,
    goodput: good / seconds,
    p99: times[Math.floor(times.length * 0.99)] ?? 0,
    refused: refused / seconds,
    unanswered: asked - answered + pool.failures
  }
}

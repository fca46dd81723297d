/** A server of the rows about topics with its subscribers, and the two lines over which they are told what to do. */
import type { ChildProcess } from "node:child_process"
import { once } from "node:events"
import { rmSync } from "node:fs"
import { connect, type Socket } from "node:net"
import { createInterface, type Interface } from "node:readline"
import { fileURLToPath } from "node:url"
import { endChild, spawnPinned, within } from "../harness/children.ts"
import { BenchmarkProblem } from "../harness/problem.ts"
import { controlPath, type Published } from "../servers/support/publisher.ts"

const script = fileURLToPath(new URL("./client.ts", import.meta.url))
const openLimitMilliseconds = 60_000
const settleTurns = 600
const settleMilliseconds = 50

/** What the subscribers have seen. */
export interface Seen {
  readonly messages: number
  /** The number after the last message of the connection that has got least. */
  readonly least: number
  readonly processorSeconds: number
  /** Milliseconds from when a message was due. */
  readonly p50: number
  readonly p99: number
  readonly longest: number
  readonly problems: ReadonlyArray<string>
}

/** Questions and answers in lines of JSON. */
class Lines {
  readonly #lines: AsyncIterator<string>

  constructor(lines: Interface) {
    this.#lines = lines[Symbol.asyncIterator]()
  }

  async next<Answer>(milliseconds: number, of: string): Promise<Answer> {
    const line = await within(milliseconds, this.#lines.next())
    if (line === undefined || line.done === true) throw new BenchmarkProblem(`${of} gives no answer`)
    // Both programs are ours.
    return JSON.parse(line.value) as Answer
  }
}

/** Subscribers in a process of their own. */
export class Subscribers {
  readonly #child: ChildProcess
  readonly #connections: number
  readonly #lines: Lines

  private constructor(child: ChildProcess, connections: number) {
    if (child.stdout === null) throw new BenchmarkProblem("the subscribers have no output")
    this.#child = child
    this.#connections = connections
    this.#lines = new Lines(createInterface({ input: child.stdout }))
  }

  static async open(port: number, connections: number, bytes: number, cores: string): Promise<Subscribers> {
    const command = ["taskset", "-c", cores, process.execPath, script]
    const options = ["--port", String(port), "--connections", String(connections), "--bytes", String(bytes)]
    const child = spawnPinned(1, [...command, ...options], ["pipe", "pipe", "inherit"])
    const subscribers = new Subscribers(child, connections)
    const { problems } = await subscribers.#lines.next<{ problems: ReadonlyArray<string> }>(
      openLimitMilliseconds,
      "the subscribers' process"
    )
    if (problems.length > 0) throw new BenchmarkProblem(problems.join("; "))
    return subscribers
  }

  /** Has messages published from a number on. It is an error if not every subscriber gets all of them, once and in order. */
  async getAll(
    name: string,
    what: "latencies" | "acknowledgements",
    publish: (first: number) => Promise<Published>
  ): Promise<{ readonly published: Published; readonly seen: Seen }> {
    const first = await this.#begin(what)
    const published = await publish(first)
    const seen = await this.#settled(first + published.messages)
    const expected = published.messages * this.#connections
    const problems = [...seen.problems]
    if (seen.messages !== expected) problems.push(`${seen.messages} messages of ${expected}`)
    if (problems.length > 0) throw new BenchmarkProblem(`${name}: ${problems.join("; ")}`)
    return { published, seen }
  }

  async #begin(what: string): Promise<number> {
    this.#child.stdin?.write(`begin ${what}\n`)
    return (await this.#lines.next<{ next: number }>(10_000, "the subscribers' process")).next
  }

  async #seen(): Promise<Seen> {
    this.#child.stdin?.write("seen\n")
    return this.#lines.next(10_000, "the subscribers' process")
  }

  /** What they have seen when all of them have got what was published, or nothing comes any more. */
  async #settled(next: number): Promise<Seen> {
    let before = -1
    for (let turn = 0; turn < settleTurns; turn++) {
      const seen = await this.#seen()
      if (seen.least >= next || (turn > 20 && seen.messages === before)) return seen
      before = seen.messages
      await new Promise((resolve) => setTimeout(resolve, settleMilliseconds))
    }
    return this.#seen()
  }

  end(): Promise<void> {
    return endChild(this.#child)
  }
}

/** The publisher of a server. */
export class PublisherControl {
  readonly #socket: Socket
  readonly #lines: Lines
  readonly #path: string

  constructor(port: number) {
    this.#path = controlPath(port)
    this.#socket = connect(this.#path)
    this.#lines = new Lines(createInterface({ input: this.#socket }))
  }

  async ask<Answer>(line: string, milliseconds = 5000): Promise<Answer> {
    if (this.#socket.connecting) await once(this.#socket, "connect")
    this.#socket.write(`${line}\n`)
    return this.#lines.next(milliseconds, "the server")
  }

  /** The acknowledgements come from the subscribers. */
  saturate(bytes: number, first: number, seconds: number, window: number, together: number): Promise<Published> {
    return this.ask(`saturate ${bytes} ${first} ${seconds} ${window} ${together}`, seconds * 1000 + 20_000)
  }

  keepPace(bytes: number, first: number, perSecond: number, seconds: number): Promise<Published> {
    return this.ask(`pace ${bytes} ${first} ${perSecond} ${seconds}`, seconds * 3000 + 20_000)
  }

  end(): void {
    this.#socket.destroy()
    rmSync(this.#path, { force: true })
  }
}

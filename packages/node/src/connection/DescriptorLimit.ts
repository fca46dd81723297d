/**
 * What happens when the process runs out of file descriptors. Node cannot leave a connection in the system's queue: libuv
 * accepts all of them and, when there is no descriptor left, closes them without telling. So the server stops short of
 * that: while descriptors are about to run out, connections that only linger give way to new ones, or else those are
 * answered with 503, and what is left is for the application's files and connections. The system gives a new connection the lowest free number, so that number tells
 * how many are in use.
 */
import type { ConnectionRegistry } from "@pagi/core/server/ConnectionRegistry"
import { Deadline, ticks } from "@pagi/core/server/Deadlines"
import type { ServerContext } from "@pagi/core/server/ServerContext"
import * as Effect from "effect/Effect"
import { readFileSync } from "node:fs"

/** Ticks of the timer wheel for which no connection is taken after one came too many. */
const pauseTicks = ticks(100, "milliseconds")

/** The most that is kept free; of a small limit an eighth. */
const maxReserve = 64

/** How many descriptors this process may have; as many as it likes where the system does not say. */
export const readLimit = (): number => {
  try {
    const [, limit] = /^Max open files +(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? []
    return limit === undefined ? Number.POSITIVE_INFINITY : Number(limit)
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

type Shared = Pick<ServerContext, "deadlines" | "runner">

/** The open connections, of which those that only linger may give way to others. */
type Crowd = Pick<ConnectionRegistry, "size" | "giveWay">

/** Says which accepted connections are too many for the process. */
export class DescriptorLimit {
  /** How many descriptors are kept free. */
  readonly reserve: number
  readonly #server: Shared
  readonly #limit: number
  readonly #pause: Deadline
  /** How many connections there were when the last descriptors were in use, and some of them lingered. */
  #crowd = Number.POSITIVE_INFINITY

  constructor(server: Shared, limit: number) {
    this.reserve = Math.min(maxReserve, Math.ceil(limit / 8))
    this.#server = server
    this.#limit = limit
    this.#pause = new Deadline(server.deadlines, { onDeadline: () => {} })
  }

  /**
   * Whether a connection with this descriptor is one too many, or comes soon after such a one, and none of those that are
   * open gives its descriptor away.
   */
  isReached(descriptor: number | undefined, connections: Crowd): boolean {
    const isOver = descriptor !== undefined && descriptor >= this.#limit - this.reserve
    // What is given away is a low number, which the next connection gets: from now on only the count tells.
    if (isOver) this.#crowd = Math.min(this.#crowd, connections.size)
    if (connections.size >= this.#crowd) {
      if (connections.giveWay()) return false
      this.#crowd = Number.POSITIVE_INFINITY
    }
    if (isOver) this.#begin(`too many open files: ${descriptor} of the ${this.#limit} that ulimit -n allows`)
    return this.#pause.isRunning
  }

  /** The system has refused to accept a connection. */
  onAcceptError({ code, message }: NodeJS.ErrnoException): void {
    if (code === "EMFILE" || code === "ENFILE") return this.#begin(`too many open files (${code})`)
    this.#server.runner.background(Effect.logWarning(`a connection could not be accepted: ${message}`))
  }

  /** One warning for a burst, which lasts until there was no such connection for the time of a pause. */
  #begin(problem: string): void {
    const { runner } = this.#server
    const advice =
      "new connections are answered with 503 until some are closed; raise the limit or lower maxConnections"
    if (!this.#pause.isRunning) runner.background(Effect.logWarning(`${problem}; ${advice}`))
    this.#pause.start(pauseTicks)
  }
}

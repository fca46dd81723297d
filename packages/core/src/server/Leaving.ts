/** How a server leaves: whether others serve in its place, for the connections that have time then. */
import { ticks } from "./Deadlines.ts"

/** Ticks that an idle connection is kept while others serve; its next request is answered, and says that it is the last. */
const idleTicks = ticks(2, "seconds")

/** What is known of the end of a server, and may still become known while it drains. */
export class Leaving {
  /** Whether its clients find somebody else when they connect again; nobody waits for this server to be gone then. */
  othersServe = false
  /** The tick at which it has begun to drain. */
  begunAt = 0

  /** Whether a connection may stay idle at this tick. */
  mayStayIdle(now: number): boolean {
    return this.othersServe && now - this.begunAt < idleTicks
  }
}

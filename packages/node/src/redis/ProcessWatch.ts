/**
 * Finds out which processes are lost. Nobody listens to a process's channel any more when its connection ends, which the
 * kernel sees to when it is killed; and its key expires when its machine or network is lost. Either must be seen several
 * times: a connection that was lost comes back.
 */
import * as PresenceScripts from "./PresenceScripts.ts"
import { stringsIn, type RedisConnection } from "./RedisConnection.ts"
import type { RedisNames } from "./RedisNames.ts"

/** How often in a row a process must be away to be lost. */
const maxAway = 3

export interface ProcessWatchOptions {
  readonly process: string
  readonly names: RedisNames
  /** Redis does not tell who listens to a channel. */
  readonly onUnseen: (error: unknown) => void
}

export class ProcessWatch {
  private readonly options: ProcessWatchOptions
  /** How often in a row each of them was away. */
  private readonly away = new Map<string, number>()
  private readonly suspects = new Set<string>()
  private asking: RedisConnection | undefined = undefined

  constructor(options: ProcessWatchOptions) {
    this.options = options
  }

  disconnected(): void {
    this.away.clear()
    this.suspects.clear()
    this.asking = undefined
  }

  suspect(process: string): void {
    if (process !== this.options.process) this.suspects.add(process)
  }

  gone(process: string): void {
    this.away.delete(process)
    this.suspects.delete(process)
  }

  /** Looks at all processes that Redis knows, so that nothing stays there of those that nobody watches. */
  async sweep(connection: RedisConnection): Promise<void> {
    const answer = await connection.send(["SMEMBERS", this.options.names.processes]).catch(() => [])
    for (const process of stringsIn(answer)) this.suspect(process)
  }

  /** Looks at these processes and those that are suspected. */
  async look(connection: RedisConnection, watched: Iterable<string>): Promise<void> {
    if (this.asking === connection) return
    const wanted = new Set([...watched, ...this.suspects])
    for (const process of this.away.keys()) if (!wanted.has(process)) this.away.delete(process)
    if (wanted.size === 0) return
    const processes = [...wanted]
    this.asking = connection
    try {
      const keys = processes.map((process) => this.options.names.process(process))
      const [lives, listeners] = await Promise.all([
        connection.send(["MGET", ...keys]),
        connection.send(["PUBSUB", "NUMSUB", ...keys]).catch((error: unknown) => {
          if (this.asking === connection) this.options.onUnseen(error)
          return []
        })
      ])
      if (this.asking !== connection) return
      await Promise.all(
        processes.map((process, index) =>
          this.judge(connection, process, at(lives, index), at(listeners, index * 2 + 1))
        )
      )
    } catch {
      // The connection is lost, or Redis is not ready: it is looked at again with the next tick.
    } finally {
      if (this.asking === connection) this.asking = undefined
    }
  }

  private async judge(connection: RedisConnection, process: string, value: unknown, listeners: unknown): Promise<void> {
    const life = PresenceScripts.readLife(value)
    const isAway = life === undefined || (life.isVisible && listeners === 0)
    const times = isAway ? (this.away.get(process) ?? 0) + 1 : 0
    this.away.set(process, times % maxAway)
    if (!isAway) this.suspects.delete(process)
    if (times < maxAway) return
    // Everybody is told by Redis when that is done, this process as well.
    while ((await connection.send(PresenceScripts.sayLost(this.options.names, process))) === 1);
  }
}

const at = (answer: unknown, index: number): unknown => (Array.isArray(answer) ? answer[index] : undefined)

/**
 * Who answers the runners of a server's workers: the server's own `ShardLocks`, or, while a predecessor still has workers,
 * that predecessor's, of which the own ones are a copy as far as they concern this server. So the workers of both servers
 * are one cluster, and nothing has to be handed over at the end.
 */
import type { ClusterAnswer, ClusterRequest } from "./ClusterRequest.ts"
import type { ShardLocks } from "./ShardLocks.ts"

/** Answers the clients of this server, each by its name, which no client of another server has. */
export interface ClusterAuthority {
  /** Each client's requests are done in order; `answer` is called once, or never for a client that has gone. */
  readonly ask: (client: string, request: ClusterRequest, answer: (answer: ClusterAnswer) => void) => void
  /** The client has ended, and asks nothing more. */
  readonly gone: (client: string) => void
}

/** A connection to the predecessor. */
export interface PredecessorLink {
  readonly ask: (number: number, client: string, request: ClusterRequest) => void
  readonly gone: (client: string) => void
}

interface Waiting {
  readonly client: string
  readonly request: ClusterRequest
  readonly answer: (answer: ClusterAnswer) => void
}

/**
 * The states, of which there is no way back:
 *
 *     connecting ──(linked)──► following ──(lost)──► alone, giving nothing ──(settled)──► alone
 *          ├─────────────(refused: waits for its end)──────▲                               ▲
 *          └─────────────(nobody there)────────────────────────────────────────────────────┘
 *
 * A predecessor that ends has no workers left. One that is killed leaves some, which notice that and end their entities;
 * until they have had the time for it, no shard is given away.
 */
export class FollowingAuthority implements ClusterAuthority {
  readonly #locks: ShardLocks
  /** What was asked and is not answered, in order. */
  readonly #waiting = new Map<number, Waiting>()
  #count = 0
  #phase: "connecting" | "following" | "alone" = "connecting"
  #link: PredecessorLink | undefined = undefined

  constructor(locks: ShardLocks) {
    this.#locks = locks
    locks.mayGive = false
  }

  ask(client: string, request: ClusterRequest, answer: (answer: ClusterAnswer) => void): void {
    if (this.#phase === "alone") return answer(this.#locks.ask(client, request))
    const number = ++this.#count
    this.#waiting.set(number, { client, request, answer })
    this.#link?.ask(number, client, request)
  }

  gone(client: string): void {
    for (const [number, waiting] of this.#waiting) if (waiting.client === client) this.#waiting.delete(number)
    this.#locks.gone(client)
    this.#link?.gone(client)
  }

  /** The predecessor answers from now on. */
  linked(link: PredecessorLink): void {
    if (this.#phase !== "connecting") return
    this.#phase = "following"
    this.#link = link
    for (const [number, { client, request }] of this.#waiting) link.ask(number, client, request)
  }

  answered(number: number, answer: ClusterAnswer): void {
    const waiting = this.#waiting.get(number)
    // Of a client that has gone meanwhile, which the predecessor knows or is about to.
    if (waiting === undefined) return
    this.#waiting.delete(number)
    this.#locks.note(waiting.client, waiting.request, answer)
    waiting.answer(answer)
  }

  /** There is nobody to be asked; `mayGive` says whether nobody can have a shard that is not known here. */
  alone(mayGive: boolean): void {
    if (this.#phase === "alone") return
    this.#phase = "alone"
    this.#link = undefined
    this.#locks.mayGive = mayGive
    const all = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const { answer, client, request } of all) answer(this.#locks.ask(client, request))
  }

  /** Whoever may have had a shard has ended. */
  settled(): void {
    this.#locks.mayGive = true
  }
}

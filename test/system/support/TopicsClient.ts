/** Clients of the room that `fixtures/topics.ts` serves, who talk all the time and remember everything. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Pool } from "./SupervisorPool.ts"
import { until } from "./Until.ts"

const Heard = Schema.fromJsonString(
  Schema.Union([
    Schema.Struct({ from: Schema.String, number: Schema.Int }),
    Schema.Struct({ published: Schema.Int }),
    Schema.Struct({ ready: Schema.Int }),
    Schema.Struct({ gap: Schema.String }),
    Schema.Struct({ present: Schema.Array(Schema.String) }),
    Schema.Struct({ joined: Schema.String }),
    Schema.Struct({ left: Schema.String })
  ])
)

const decode = Schema.decodeUnknownSync(Heard)

/** Milliseconds between two messages of a client. */
const pause = 4

/** One connection of a client. It says numbers, one after the other, until it is closed or told to be quiet. */
export class TopicsClient {
  readonly name: string
  readonly #socket: WebSocket
  readonly #timer: NodeJS.Timeout
  /** The process in which it is, once it is in the room. */
  pid: number | undefined
  /** How far others were when it came into the room. */
  beginnings: ReadonlyMap<string, number> = new Map()
  said = 0
  /** The last number that was published. */
  published = 0
  closedAt: number | undefined
  readonly heard = new Map<string, Array<number>>()
  readonly gaps: Array<string> = []
  readonly present = new Set<string>()
  /** When it heard that somebody has left. */
  readonly left = new Map<string, number>()

  constructor(pool: Pool, name: string, others: () => ReadonlyArray<TopicsClient>) {
    this.name = name
    this.#socket = new WebSocket(`ws://127.0.0.1:${pool.port}/${name}`)
    this.#socket.addEventListener("message", ({ data }) => this.#hear(String(data), others))
    this.#socket.addEventListener("close", () => {
      this.closedAt ??= performance.now()
      clearInterval(this.#timer)
    })
    this.#timer = setInterval(() => {
      if (this.pid !== undefined && this.isOpen) this.#socket.send(String(++this.said))
    }, pause)
  }

  get isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN
  }

  get isReady(): boolean {
    return this.pid !== undefined && this.isOpen
  }

  readonly ready = until(
    "a client is in the room",
    Effect.sync(() => this.isReady)
  )

  /** Says no more. */
  quiet(): void {
    clearInterval(this.#timer)
  }

  close(): void {
    this.quiet()
    this.#socket.close()
  }

  /** Whether it has heard everything that has been published since it came, by those who are there. */
  hasAll(others: ReadonlyArray<TopicsClient>): boolean {
    return others.every(({ name, published, said }) => published === said && this.heard.get(name)?.at(-1) === published)
  }

  /** It has heard others in order, each message once and none left out, from what was said when it came. */
  check(others: ReadonlyArray<TopicsClient>): void {
    for (const { name } of others) {
      const numbers = this.heard.get(name) ?? []
      const first = numbers[0]
      if (first === undefined) continue
      assert.deepStrictEqual(
        numbers,
        Array.from(numbers, (_, index) => first + index),
        `${this.name} hears ${name}`
      )
      const before = this.beginnings.get(name)
      if (before !== undefined) assert.isAtMost(first, before + 1, `${this.name} hears ${name} from the beginning`)
    }
  }

  #hear(text: string, others: () => ReadonlyArray<TopicsClient>): void {
    const event = decode(text)
    if ("from" in event) {
      const numbers = this.heard.get(event.from)
      if (numbers === undefined) this.heard.set(event.from, [event.number])
      else numbers.push(event.number)
    } else if ("published" in event) this.published = event.published
    else if ("ready" in event) {
      this.pid = event.ready
      this.beginnings = new Map(others().map(({ name, said }) => [name, said]))
    } else if ("gap" in event) this.gaps.push(event.gap)
    else if ("present" in event) for (const name of event.present) this.present.add(name)
    else if ("joined" in event) this.present.add(event.joined)
    else {
      this.present.delete(event.left)
      this.left.set(event.left, performance.now())
    }
  }
}

/** A conversation, in which those who are cut off come back under another name. */
export class Conversation {
  readonly #pool: Pool
  readonly all: Array<TopicsClient> = []
  #timer: NodeJS.Timeout | undefined

  constructor(pool: Pool) {
    this.#pool = pool
  }

  get open(): ReadonlyArray<TopicsClient> {
    return this.all.filter(({ isReady }) => isReady)
  }

  enter(): TopicsClient {
    const client: TopicsClient = new TopicsClient(this.#pool, `client${this.all.length + 1}`, () =>
      this.open.filter((one) => one !== client)
    )
    this.all.push(client)
    return client
  }

  /** So many clients, in so many processes. */
  begin(clients: number, processes: number): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      while (this.open.length < clients || new Set(this.open.map(({ pid }) => pid)).size < processes)
        yield* this.enter().ready
      this.#timer = setInterval(() => {
        const missing = clients - this.all.filter(({ closedAt }) => closedAt === undefined).length
        for (let count = 0; count < missing; count++) this.enter()
      }, 20)
    })
  }

  /** Waits until all who are there have said so many more messages. */
  goesOn(messages: number): Effect.Effect<void> {
    return Effect.suspend(() => {
      const before = new Map(this.open.map((client) => [client, client.published]))
      return until(
        "the conversation goes on",
        Effect.sync(() => {
          const stayed = [...before].filter(([client]) => client.isReady)
          return this.open.length > 0 && stayed.every(([client, count]) => client.published >= count + messages)
        })
      )
    })
  }

  /** Ends it: all who are there have heard everything, and nobody has missed anything while it was there. */
  end(): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      clearInterval(this.#timer)
      yield* until(
        "all who have come are in the room",
        Effect.sync(() => this.all.every(({ closedAt, isReady }) => isReady || closedAt !== undefined))
      )
      for (const client of this.all) client.quiet()
      const there = this.open
      yield* until(
        "everybody has heard everything",
        Effect.sync(() => there.every((client) => client.hasAll(there.filter(({ said }) => said > 0))))
      )
      for (const client of this.all) client.check(this.all)
      const names = there.map(({ name }) => name).toSorted()
      yield* until(
        "everybody knows who is there",
        Effect.sync(() =>
          there.every(({ present }) => JSON.stringify([...present].toSorted()) === JSON.stringify(names))
        )
      )
    })
  }

  close(): void {
    clearInterval(this.#timer)
    for (const client of this.all) client.close()
  }
}

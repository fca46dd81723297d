/** The metrics of topics: what hubs count, in the registry of the program, as long as one of them is there. */
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type * as Scope from "effect/Scope"
import type { MetricRow } from "../metrics/MetricTable.ts"
import { perRegistry } from "../metrics/PerRegistry.ts"
import { SeriesRegistry } from "../metrics/Series.ts"
import { topicTable } from "../metrics/TopicTable.ts"
import type { TopicCounts } from "./TopicCounts.ts"

/** One of the numbers that a hub counts, as it is told. */
interface Counter {
  readonly row: MetricRow
  readonly read: (counts: TopicCounts) => number
  /** The value of the row's label, if it has one. */
  readonly reason?: string
}

const { delivered, dropped, gaps, published, subscribers } = topicTable

const counters: ReadonlyArray<Counter> = [
  { row: published, read: (counts) => counts.published },
  { row: delivered, read: (counts) => counts.delivered },
  { row: dropped, reason: "behind", read: (counts) => counts.dropped.behind },
  { row: dropped, reason: "unreadable", read: (counts) => counts.dropped.unreadable },
  { row: gaps, reason: "disconnected", read: (counts) => counts.gaps.disconnected },
  { row: gaps, reason: "overloaded", read: (counts) => counts.gaps.overloaded }
]

/** What several hubs have counted. */
class Counted {
  readonly #all = new Set<TopicCounts>()
  /** By those that are not there any more: a counter does not go back. */
  readonly #before = new Map<Counter, number>()

  add(counts: TopicCounts): void {
    this.#all.add(counts)
  }

  remove(counts: TopicCounts): void {
    this.#all.delete(counts)
    for (const counter of counters) {
      this.#before.set(counter, (this.#before.get(counter) ?? 0) + counter.read(counts))
    }
  }

  of(counter: Counter): number {
    return (this.#before.get(counter) ?? 0) + this.sum(counter.read)
  }

  /** Of the hubs that are there. */
  sum(read: Counter["read"]): number {
    let sum = 0
    for (const counts of this.#all) sum += read(counts)
    return sum
  }
}

const register = (series: SeriesRegistry): Counted => {
  const counted = new Counted()
  for (const counter of counters) {
    const { reason, row } = counter
    series.count(row, () => counted.of(counter), ...(reason === undefined ? [] : [reason]))
  }
  series.gauge(subscribers, () => counted.sum((counts) => counts.subscribers))
  return counted
}

const countedIn = perRegistry((registry) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => new SeriesRegistry(registry)),
      (series) => Effect.sync(() => series.remove())
    ),
    register
  )
)

/** Has it be read what a hub counts, until the scope closes. */
export const count = (counts: TopicCounts): Effect.Effect<void, never, Scope.Scope> =>
  Effect.gen(function* () {
    const counted = yield* countedIn(yield* Metric.MetricRegistry)
    yield* Effect.acquireRelease(
      Effect.sync(() => counted.add(counts)),
      () => Effect.sync(() => counted.remove(counts))
    )
  })

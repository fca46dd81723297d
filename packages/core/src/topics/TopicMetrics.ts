/** The metrics of topics: what hubs count, in the registry of the program, as long as one of them is there. */
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type * as Scope from "effect/Scope"
import { perRegistry } from "../metrics/PerRegistry.ts"
import { SeriesRegistry } from "../metrics/Series.ts"
import { topicTable } from "../metrics/TopicTable.ts"
import * as TopicCounts from "./TopicCounts.ts"

type Read = (counts: TopicCounts.TopicCounts) => number

/** What several hubs have counted. */
class Counted {
  readonly #all = new Set<TopicCounts.TopicCounts>()
  /** Of those that are not there any more: a counter does not go back. */
  readonly #before = TopicCounts.make()

  add(counts: TopicCounts.TopicCounts): void {
    this.#all.add(counts)
  }

  remove(counts: TopicCounts.TopicCounts): void {
    this.#all.delete(counts)
    this.#before.published += counts.published
    this.#before.delivered += counts.delivered
    this.#before.dropped.behind += counts.dropped.behind
    this.#before.dropped.unreadable += counts.dropped.unreadable
    this.#before.gaps.disconnected += counts.gaps.disconnected
    this.#before.gaps.overloaded += counts.gaps.overloaded
  }

  sum(read: Read): () => number {
    return () => {
      let sum = read(this.#before)
      for (const counts of this.#all) sum += read(counts)
      return sum
    }
  }
}

const countedIn = perRegistry((registry) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => {
        const counted = new Counted()
        const series = new SeriesRegistry(registry)
        const { delivered, dropped, gaps, published, subscribers } = topicTable
        series.count(
          published,
          counted.sum((counts) => counts.published)
        )
        series.count(
          delivered,
          counted.sum((counts) => counts.delivered)
        )
        series.count(
          dropped,
          counted.sum((counts) => counts.dropped.behind),
          "behind"
        )
        series.count(
          dropped,
          counted.sum((counts) => counts.dropped.unreadable),
          "unreadable"
        )
        series.count(
          gaps,
          counted.sum((counts) => counts.gaps.disconnected),
          "disconnected"
        )
        series.count(
          gaps,
          counted.sum((counts) => counts.gaps.overloaded),
          "overloaded"
        )
        series.gauge(
          subscribers,
          counted.sum((counts) => counts.subscribers)
        )
        return { counted, series }
      }),
      ({ series }) => Effect.sync(() => series.remove())
    ),
    ({ counted }) => counted
  )
)

/** Has it be read what a hub counts, until the scope closes. */
export const count = (counts: TopicCounts.TopicCounts): Effect.Effect<void, never, Scope.Scope> =>
  Effect.gen(function* () {
    const counted = yield* countedIn(yield* Metric.MetricRegistry)
    yield* Effect.acquireRelease(
      Effect.sync(() => counted.add(counts)),
      () => Effect.sync(() => counted.remove(counts))
    )
  })

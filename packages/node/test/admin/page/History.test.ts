import { assert, describe, it } from "@effect/vitest"
import type { HistoryPoint } from "../../../src/admin/HistoryPoint.ts"
import { columns, History, limit, marksOf, requestsOf, totals } from "../../../src/admin/page/History.js"

const pointOf = (second: number, given: Partial<HistoryPoint> = {}): HistoryPoint => ({
  at: second * 1000,
  statuses: { "1xx": 1, "2xx": 2, "3xx": 3, "4xx": 4, "5xx": 5 },
  latency: null,
  received: 0,
  sent: second,
  connections: 0,
  open: {},
  activeRequests: 0,
  closed: {},
  refused: {},
  processes: [],
  marks: [],
  ...given
})

const seconds = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => pointOf(from + index))

const shown = ({ points }: History) => points.map(({ at }) => at / 1000)

describe("the history of the page", () => {
  it("keeps so many seconds, each once", () => {
    const history = new History()
    for (const point of seconds(1, limit + 50)) history.add(point)
    history.add(pointOf(limit + 50))
    history.add(pointOf(limit + 48))
    assert.strictEqual(history.points.length, limit)
    assert.strictEqual(history.points[0]?.at, 51_000)
    assert.strictEqual(history.last?.at, (limit + 50) * 1000)
  })

  it("puts what the server remembers between what was before and what has come since", () => {
    const history = new History()
    history.load(seconds(10, 12))
    assert.deepStrictEqual(shown(history), [10, 11, 12])
    history.add(pointOf(21))
    history.load(seconds(15, 20))
    assert.deepStrictEqual(shown(history), [10, 11, 12, 15, 16, 17, 18, 19, 20, 21])
    history.load([])
    assert.strictEqual(history.points.length, 10)
    history.load(seconds(1000, 1000 + limit * 2))
    assert.strictEqual(history.points.length, limit)
  })

  it("begins anew when the clock of the server has gone back", () => {
    const history = new History()
    history.add(pointOf(1000))
    history.add(pointOf(10))
    assert.deepStrictEqual(shown(history), [10])
    history.load(seconds(1000, 1001))
    history.load(seconds(20, 21))
    assert.deepStrictEqual(shown(history), [10, 20, 21])
  })

  it("has the last minutes", () => {
    const history = new History()
    history.load(seconds(1, 200))
    assert.strictEqual(history.window(1).length, 60)
    assert.strictEqual(history.window(10).length, 200)
    assert.deepStrictEqual(new History().window(5), [])
  })

  it("has nothing in the columns where the server was away", () => {
    assert.deepStrictEqual(columns([pointOf(1), pointOf(2), pointOf(9)], [({ sent }) => sent, requestsOf]), [
      [1, 2, 3, 9],
      [1, 2, null, 9],
      [15, 15, null, 15]
    ])
    assert.deepStrictEqual(columns([], [requestsOf]), [[], []])
  })

  it("adds up counts, and has marks with the latest first", () => {
    const points = [
      pointOf(1, { refused: { one: 1, other: 5 }, marks: [{ at: 1, what: "reload" }] }),
      pointOf(2, { refused: { one: 2, none: 0 }, marks: [{ at: 2, what: "reloaded" }] })
    ]
    assert.deepStrictEqual(
      totals(points, ({ refused }) => refused),
      [
        ["other", 5],
        ["one", 3]
      ]
    )
    assert.deepStrictEqual(
      marksOf(points).map(({ what }) => what),
      ["reloaded", "reload"]
    )
  })
})

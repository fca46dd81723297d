import { assert, describe, it } from "@effect/vitest"
import { asOrder, asReport, type WorkerOrder, type WorkerReport } from "../../src/worker/WorkerMessage.ts"
import { make } from "../../src/tls/TicketSecrets.ts"

const place = { file: "/app.ts", line: 2, column: 3, firstLine: 1, around: ["one", "two"] }
const problem = { message: "why", stack: "Error: why", place }

const reports: ReadonlyArray<WorkerReport> = [
  { type: "ready" },
  { type: "status", requests: 5, connections: 2, lag: 0.5, memory: 5e7 },
  { type: "quota" },
  { type: "stopping" },
  { type: "failed", message: "why" },
  { type: "metrics", samples: [{ id: "a" }] },
  { type: "metrics", samples: [], gone: ["a"] },
  { type: "metrics", time: 1.5, samples: [] },
  { type: "metrics", samples: [], recent: { slowest: [], failed: [] } },
  { type: "files", files: { "/app.ts": "1" } },
  { type: "broken", problem: { message: "why" } },
  { type: "broken", problem }
]

/** Of a question and its answer, which have the same name. */
const answer: WorkerReport = { type: "readiness", number: 7, problems: { database: "no route" } }
const question: WorkerOrder = { type: "readiness", number: 7 }

const orders: ReadonlyArray<WorkerOrder> = [
  { type: "retire" },
  { type: "retire", othersServe: true },
  { type: "share", workers: 2, connections: 2.5 },
  { type: "reopenLogs" },
  { type: "tickets", secrets: make() },
  { type: "reload", state: { generation: 1 } },
  { type: "reload", state: { generation: 2, problem } }
]

const nonsense: ReadonlyArray<unknown> = [
  undefined,
  null,
  5,
  "ready",
  [],
  {},
  { type: "other" },
  { type: "failed" },
  { type: "share" },
  { type: "tickets" },
  { type: "metrics" },
  { type: "metrics", samples: {} },
  { type: "readiness" },
  { type: "readiness", number: -1, problems: {} },
  { type: "tickets", secrets: { ...make(), previous: "0" } },
  { type: "share", connections: 1 },
  { type: "broken", problem: "why" },
  { type: "broken", problem: {} },
  { type: "reload" },
  { type: "reload", state: { generation: "1" } },
  { type: "share", workers: 1.5, connections: 1 },
  { type: "share", workers: 2, connections: -1 },
  { type: "share", workers: 2, connections: Number.POSITIVE_INFINITY },
  { type: "status", requests: 5, connections: 2, lag: 0.5 },
  { type: "status", requests: 5, connections: "2", lag: 0.5, memory: 1 },
  { type: "status", requests: 0.5, connections: 2, lag: 0.5, memory: 1 },
  { type: "status", requests: 5, connections: 2, lag: Number.NaN, memory: 1 }
]

/** Others that have the same name. */
const asked: WorkerReport = { type: "cluster", number: 8, request: { type: "runners" } }
const told: WorkerOrder = { type: "cluster", number: 8, answer: { type: "done" } }

describe("messages between a worker and its parent", () => {
  it("are understood by the other side, without anything else that they have", () => {
    for (const report of reports) assert.deepStrictEqual(asReport({ ...report, more: 1 }), report)
    for (const order of orders) assert.deepStrictEqual(asOrder({ ...order, more: 1 }), order)
  })

  it("ask for what a cluster has, and answer", () => {
    assert.deepStrictEqual(asReport({ ...asked, more: 1 }), asked)
    assert.deepStrictEqual(asOrder({ ...told, more: 1 }), told)
    assert.isUndefined(asOrder(asked))
    assert.isUndefined(asReport({ ...asked, number: "8" }))
    assert.isUndefined(asOrder({ ...told, number: -1 }))
  })

  it("ask how an application is, and answer", () => {
    assert.deepStrictEqual(asOrder({ ...question, more: 1 }), question)
    assert.deepStrictEqual(asReport({ ...answer, more: 1 }), answer)
    assert.isUndefined(asReport(question))
    assert.deepStrictEqual(asReport({ type: "readiness", number: 1, problems: { a: 5, b: "c" } }), {
      type: "readiness",
      number: 1,
      problems: { b: "c" }
    })
  })

  it("are nothing to the wrong side", () => {
    for (const report of reports) assert.isUndefined(asOrder(report))
    for (const order of orders) assert.isUndefined(asReport(order))
  })

  it("are nothing when they are malformed", () => {
    for (const message of nonsense) {
      assert.isUndefined(asReport(message))
      assert.isUndefined(asOrder(message))
    }
  })
})

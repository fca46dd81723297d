import { assert, describe, it } from "@effect/vitest"
import type { Status } from "../../src/adminClient/AdminDocuments.ts"
import { processesOf, TopModel } from "../../src/top/TopModel.ts"
import { pointOf } from "../support/FakeAdmin.ts"

const single = (requests: number): Status => ({
  pid: 7,
  phase: "serving",
  age: 1000,
  listeners: [],
  requests,
  connections: 1,
  lag: 0,
  memory: 0
})

const workers = (requests: Readonly<Record<number, number>>): Status => ({
  pid: 7,
  phase: "serving",
  age: 1000,
  listeners: [],
  target: 2,
  isReloading: false,
  workers: Object.entries(requests).map(([pid, requests]) => ({
    pid: Number(pid),
    workerNum: 1,
    phase: "serving",
    age: 0,
    requests,
    connections: 0,
    lag: 0,
    memory: 0,
    lastHeartbeat: 0
  }))
})

describe("TopModel", () => {
  it("has requests per second from what a server has counted", () => {
    const model = new TopModel()
    model.see(single(100), 1000)
    assert.deepStrictEqual(model.rates, [])
    model.see(single(300), 2000)
    model.see(single(300), 4000)
    model.see(single(400), 4500)
    assert.deepStrictEqual(model.rates, [200, 0, 200])
  })

  it("counts what new workers have begun, and nothing of those that are gone", () => {
    const model = new TopModel()
    model.see(workers({ 1: 1000, 2: 2000 }), 0)
    model.see(workers({ 2: 2010, 3: 5 }), 1000)
    assert.deepStrictEqual(model.rates, [15])
  })

  it("knows as many seconds as it is to, each once", () => {
    const model = new TopModel()
    model.load(Array.from({ length: 500 }, (_, index) => pointOf(index * 1000)))
    assert.strictEqual(model.points.length, 300)
    model.add(pointOf(499_000))
    assert.strictEqual(model.points.at(-2)?.at, 498_000)
    model.add(pointOf(500_000))
    assert.strictEqual(model.points.length, 300)
    assert.strictEqual(model.points.at(-1)?.at, 500_000)
    assert.strictEqual(model.rates.at(-1), 100)
  })

  it("begins anew when the clock of the server has gone back", () => {
    const model = new TopModel()
    model.add(pointOf(100_000))
    model.add(pointOf(99_000))
    assert.strictEqual(model.points.length, 1)
    model.add(pointOf(10_000))
    assert.deepStrictEqual(
      model.points.map(({ at }) => at),
      [10_000]
    )
  })

  it("has no problem once it sees a status", () => {
    const model = new TopModel()
    model.problem = "away"
    model.see(single(0), 0)
    assert.isUndefined(model.problem)
    assert.strictEqual(processesOf(single(0)).length, 1)
  })
})

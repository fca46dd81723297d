import { assert, describe, it } from "@effect/vitest"
import { asServerStatus, type ServerStatus } from "../../src/admin/ServerStatus.ts"

const one: ServerStatus = {
  version: "0.1.0",
  node: "24.0.0",
  options: { port: "81" },
  mode: "single",
  pid: 7,
  phase: "starting",
  age: 1,
  listeners: ["http://127.0.0.1:81/"],
  requests: 1,
  connections: 2,
  lag: 0.5,
  memory: 9
}

const pool = { pid: 1, phase: "serving", age: 1, target: 0, isReloading: false, listeners: [], workers: [] } as const

describe("a status that was read", () => {
  it("is that of one process or of workers", () => {
    assert.deepStrictEqual(asServerStatus(one), one)
    const watched = { ...one, adminUrl: "http://127.0.0.1:9090/" }
    assert.deepStrictEqual(asServerStatus(watched), watched)
    assert.deepStrictEqual(asServerStatus({ ...one, mode: "embedded" }), { ...one, mode: "embedded" })
    const common = { version: "0.1.0", node: "24.0.0", options: {} }
    assert.deepStrictEqual(asServerStatus({ ...pool, ...common, mode: "workers" }), {
      ...pool,
      ...common,
      mode: "workers"
    })
  })

  it("may tell how the number of workers changes by itself", () => {
    const scaling = { minimum: 1, maximum: 2, utilization: 0.5, reason: "a worker was not needed" } as const
    assert.deepInclude(asServerStatus({ ...pool, scaling }), { scaling })
  })

  it("may be of a server that tells less", () => {
    assert.deepStrictEqual(asServerStatus(pool), {
      ...pool,
      mode: "workers",
      version: "unknown",
      node: "unknown",
      options: {}
    })
  })

  it("is nothing when it is malformed", () => {
    const malformed = [
      null,
      5,
      {},
      { ...one, phase: "other" },
      { ...one, listeners: [5] },
      { ...one, lag: "1" },
      { ...one, adminUrl: 5 },
      { ...pool, target: "1" },
      { ...pool, scaling: { minimum: 1, maximum: 2, utilization: 0.5, reason: "\u001b[2J" } },
      { ...pool, scaling: { minimum: 1, maximum: 2, reason: "asked for" } }
    ]
    for (const value of malformed) assert.isUndefined(asServerStatus(value))
  })
})

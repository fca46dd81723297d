import { assert, describe, it } from "@effect/vitest"
import { type Inheritance, none, passOn, take } from "../../src/listen/InheritedSockets.ts"

const pid = 4711

const takeFrom = (variables: Record<string, string>): Inheritance => take({ ...variables }, pid)

const systemd = (count: string, more: Record<string, string> = {}): Inheritance =>
  takeFrom({ LISTEN_FDS: count, LISTEN_PID: String(pid), ...more })

describe("what an environment says about inherited sockets", () => {
  it("is nothing in most environments", () => {
    for (const variables of [{}, { PATH: "/bin" }, { LISTEN_FDS: "", PAGI_REUSE: "", PAGI_MASTER_PID: "" }]) {
      assert.deepStrictEqual(takeFrom(variables), none)
    }
  })

  it("is removed, and nothing else is", () => {
    const environment: Record<string, string | undefined> = {
      PATH: "/bin",
      LISTEN_FDS: "1",
      LISTEN_PID: "1",
      LISTEN_FDNAMES: "web",
      PAGI_REUSE: "127.0.0.1:80:3",
      PAGI_REUSE_CLUSTER: "1",
      PAGI_REUSE_FILES: "3=1:2:3",
      PAGI_REUSE_WORKERS: "1,2,4/1,1,4",
      PAGI_REUSE_POOL: "/tmp/pagi-pool-0123456789abcdef",
      PAGI_MASTER_PID: "5",
      PAGI_READY_FD: "4",
      PAGI_TICKETS_FD: "4",
      PAGI_WORKER: "{}",
      PAGI_PORT: "80"
    }
    assert.isTrue(take(environment, pid).hasCluster)
    assert.deepStrictEqual(environment, { PATH: "/bin", PAGI_PORT: "80" })
  })

  it("comes from systemd as a number of descriptors from 3 on, with names", () => {
    assert.deepStrictEqual(systemd("3", { LISTEN_FDNAMES: "web::admin" }).sockets, [
      { descriptor: 3, source: "LISTEN_FDS", isForeign: true, name: "web" },
      { descriptor: 4, source: "LISTEN_FDS", isForeign: true, name: undefined },
      { descriptor: 5, source: "LISTEN_FDS", isForeign: true, name: "admin" }
    ])
    assert.deepStrictEqual(systemd("1").sockets, [
      { descriptor: 3, source: "LISTEN_FDS", isForeign: true, name: undefined }
    ])
  })

  it("is not believed when it is meant for another process", () => {
    for (const variables of [{}, { LISTEN_PID: "4712" }, { LISTEN_PID: "" }, { LISTEN_PID: "04711" }]) {
      const { problems, sockets } = takeFrom({ LISTEN_FDS: "1", ...variables })
      assert.deepStrictEqual(sockets, [])
      assert.strictEqual(problems.length, 1)
      assert.match(problems[0] ?? "", /^LISTEN_FDS is ignored: .*, and this is process 4711$/)
    }
  })

  it("is not believed when it is no sensible number", () => {
    for (const count of ["x", "-1", "1e3", "1.5", " 1", "1025", "99999999999999999999"]) {
      const { problems, sockets } = systemd(count)
      assert.deepStrictEqual(sockets, [])
      assert.deepStrictEqual(problems, [`LISTEN_FDS is ignored: "${count}" is not a number of sockets`])
    }
  })

  it("comes from another server as addresses with descriptors", () => {
    assert.deepStrictEqual(
      takeFrom({ PAGI_REUSE: "0.0.0.0:8080:3,[::1]:80:7,unix:/run/a:b.sock:12,web:0:4" }).sockets,
      [
        { descriptor: 3, source: "PAGI_REUSE", name: "0.0.0.0:8080" },
        { descriptor: 7, source: "PAGI_REUSE", name: "[::1]:80" },
        { descriptor: 12, source: "PAGI_REUSE", name: "unix:/run/a:b.sock" },
        { descriptor: 4, source: "PAGI_REUSE", name: "web:0" }
      ]
    )
  })

  it("is ignored where it is malformed, with a warning for each entry", () => {
    const entries = ["127.0.0.1:80", "80:3", "::1:80:3", "a:80:x", "a:80:2", "unix::3", "unix:/a:", "", "a:80:-3"]
    const { problems, sockets } = takeFrom({ PAGI_REUSE: `${entries.join(",")},127.0.0.1:80:9` })
    assert.deepStrictEqual(
      sockets.map(({ descriptor }) => descriptor),
      [9]
    )
    assert.strictEqual(problems.length, entries.length)
    assert.strictEqual(problems[0], 'an entry of PAGI_REUSE is ignored: "127.0.0.1:80" is not ADDRESS:DESCRIPTOR')
  })

  it("names every descriptor once", () => {
    const { sockets } = systemd("2", { PAGI_REUSE: "127.0.0.1:80:4" })
    assert.deepStrictEqual(sockets.map(({ descriptor, source }) => `${descriptor} ${source}`).toSorted(), [
      "3 LISTEN_FDS",
      "4 PAGI_REUSE"
    ])
  })

  it("tells which process waits", () => {
    assert.strictEqual(takeFrom({ PAGI_MASTER_PID: "815" }).masterPid, 815)
    for (const text of ["0", "1", "-5", "x", "1e3"]) {
      const { masterPid, problems } = takeFrom({ PAGI_MASTER_PID: text })
      assert.isUndefined(masterPid)
      assert.deepStrictEqual(problems, [`PAGI_MASTER_PID is ignored: "${text}" is not the number of a process`])
    }
  })

  it("tells where that process reads", () => {
    assert.strictEqual(takeFrom({ PAGI_READY_FD: "3" }).readyDescriptor, 3)
    for (const text of ["2", "-1", "x", "1e3"]) {
      const { problems, readyDescriptor } = takeFrom({ PAGI_READY_FD: text })
      assert.isUndefined(readyDescriptor)
      assert.deepStrictEqual(problems, [`PAGI_READY_FD is ignored: "${text}" is not the number of a descriptor`])
    }
  })

  it("tells which worker the process is, and what for", () => {
    assert.deepStrictEqual(takeFrom({ PAGI_WORKER: '{"num":2}' }).worker, {
      num: 2,
      workers: Number.POSITIVE_INFINITY,
      folder: undefined,
      payload: undefined
    })
    const payload = { options: { port: 80 } }
    assert.deepStrictEqual(
      takeFrom({ PAGI_WORKER: JSON.stringify({ num: 1, workers: 4, folder: "/tmp/f", payload }) }).worker,
      {
        num: 1,
        workers: 4,
        folder: "/tmp/f",
        payload
      }
    )
    for (const text of ["x", "[]", "null", '{"num":"1"}', '{"num":0.5}', '{"payload":1}']) {
      const { problems, worker } = takeFrom({ PAGI_WORKER: text })
      assert.isUndefined(worker)
      assert.deepStrictEqual(problems, [
        "PAGI_WORKER is ignored: servers set it for their workers; the option is PAGI_WORKERS"
      ])
    }
  })

  it("is given once", () => {
    const inheritance = takeFrom({ PAGI_MASTER_PID: "815" })
    const service = passOn(inheritance)
    assert.strictEqual(service.claim(), inheritance)
    assert.strictEqual(service.claim(), none)
  })
})

import { assert, describe, it } from "@effect/vitest"
import { tcp, unix } from "@pagi/core/Endpoint"
import { read, type SharedSocket, write, writeFiles, writeForeign } from "../../src/listen/ReuseText.ts"

const sockets: ReadonlyArray<SharedSocket> = [
  { endpoint: tcp("127.0.0.1", 0), descriptor: 4 },
  { endpoint: tcp("::1", 443), descriptor: 5, isForeign: true },
  { endpoint: tcp("app.test", 80), descriptor: 6 },
  { endpoint: unix("/run/a:5,b%2C.sock"), descriptor: 7, identity: "1:22:333" },
  { endpoint: unix("app.sock"), descriptor: 12, identity: undefined },
  { endpoint: unix("b,c"), descriptor: 13, identity: "4:5:6" }
]

describe("what a server tells its children about sockets", () => {
  it("has a text", () => {
    assert.strictEqual(
      write(sockets),
      "127.0.0.1:0:4,[::1]:443:5,app.test:80:6,unix:/run/a:5%2Cb%252C.sock:7,unix:app.sock:12,unix:b%2Cc:13"
    )
    assert.strictEqual(writeFiles(sockets), "7=1:22:333,13=4:5:6")
    assert.strictEqual(writeForeign(sockets), "5")
  })

  it("is read as it was written", () => {
    const problems: Array<string> = []
    const found = read([write(sockets), writeFiles(sockets), writeForeign(sockets)], problems)
    assert.deepStrictEqual(
      found.map(({ name }) => name),
      ["127.0.0.1:0", "[::1]:443", "app.test:80", "unix:/run/a:5,b%2C.sock", "unix:app.sock", "unix:b,c"]
    )
    for (const part of ["descriptor", "identity", "isForeign"] as const) {
      assert.deepStrictEqual(
        found.map((socket) => socket[part]),
        sockets.map((socket) => socket[part])
      )
    }
    assert.deepStrictEqual(problems, [])
  })

  it("is nothing when there is nothing", () => {
    const problems: Array<string> = []
    for (const text of [undefined, ""]) assert.deepStrictEqual(read([text, text, text], problems), [])
    assert.strictEqual(write([]) + writeFiles([]) + writeForeign([]), "")
    assert.deepStrictEqual(problems, [])
  })

  it("is ignored where files are not named as they should be", () => {
    const problems: Array<string> = []
    assert.deepStrictEqual(read(["unix:a:3", "3,x=1,3=/run"], problems), [
      { descriptor: 3, source: "PAGI_REUSE", name: "unix:a" }
    ])
    assert.strictEqual(problems.length, 3)
    assert.strictEqual(problems[0], 'an entry of PAGI_REUSE_FILES is ignored: "3" is not DESCRIPTOR=IDENTITY')
  })
})

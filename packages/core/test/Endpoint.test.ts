import { assert, describe, it } from "@effect/vitest"
import * as Endpoint from "../src/Endpoint.ts"

const { tcp, unix } = Endpoint

/** What becomes of an input of any kind, as untyped programs give it. */
const accept = (input: unknown) => Endpoint.kind.accept(input as Endpoint.EndpointInput)

describe("an endpoint", () => {
  it("is a host and port, an IPv6 address in brackets and a port, or a path", () => {
    const specs: ReadonlyArray<readonly [string, Endpoint.Endpoint]> = [
      ["0.0.0.0:8080", tcp("0.0.0.0", 8080)],
      ["localhost:0", tcp("localhost", 0)],
      ["[::1]:5000", tcp("::1", 5000)],
      ["[::ffff:127.0.0.1]:65535", tcp("::ffff:127.0.0.1", 65_535)],
      ["[fe80::1%eth0]:80", tcp("fe80::1%eth0", 80)],
      ["/run/app.sock", unix("/run/app.sock")],
      ["/run/a:80", unix("/run/a:80")],
      ["./a:80", unix("./a:80")],
      ["../app.sock", unix("../app.sock")],
      ["app.sock", unix("app.sock")]
    ]
    for (const [spec, endpoint] of specs) {
      assert.deepStrictEqual(accept(spec), endpoint, spec)
      assert.strictEqual(Endpoint.format(endpoint), spec)
    }
  })

  it("is nothing else", () => {
    const specs = ["", ":80", "host:", "host:65536", "host:-1", "host:8e1", "::1:80", "[::1]", "[]:80", "[a b]:80"]
    for (const spec of [...specs, "a b:80", "http://host:80", "host:80/", "unix:/run/a", "/run/\0a"]) {
      assert.isUndefined(accept(spec), spec)
    }
  })

  it("may come in parts, and as it is", () => {
    assert.deepStrictEqual(accept({ host: "::", port: 80 }), tcp("::", 80))
    assert.deepStrictEqual(accept({ socket: "a:b" }), unix("a:b"))
    assert.deepStrictEqual(accept({ socket: "/run/a", socketMode: 0o600 }), unix("/run/a", 0o600))
    for (const endpoint of [tcp("::1", 0), unix("a"), unix("/run/a", 0)]) {
      assert.deepStrictEqual(accept(endpoint), endpoint)
    }
  })

  it("is refused in parts that do not belong together or are wrong", () => {
    const inputs: ReadonlyArray<unknown> = [
      {},
      { host: "a" },
      { port: 80 },
      { host: "", port: 80 },
      { host: "a", port: 65_536 },
      { host: "a", port: "80" },
      { host: "a", port: 80, socket: "/run/a" },
      { host: "a", port: 80, socketMode: 0o600 },
      { socket: "" },
      { socket: 5 },
      { socket: "/run/a", port: 80 },
      { socket: "/run/a", socketMode: 0o1000 },
      { socket: "/run/a", socketMode: "0600" },
      { socket: "/run/a", backlog: 5 },
      { _tag: "Tcp", host: "a", port: -1 },
      null,
      80,
      []
    ]
    for (const input of inputs) assert.isUndefined(accept(input), JSON.stringify(input))
  })

  it("is written so that it is read as the same", () => {
    assert.strictEqual(Endpoint.format(unix("a:80")), "./a:80")
  })
})

describe("endpoints", () => {
  const options: Endpoint.EndpointOptions = {
    host: "::1",
    port: 81,
    socket: undefined,
    socketMode: undefined,
    listen: undefined
  }

  it("are the host and port when there is nothing else", () => {
    assert.deepStrictEqual(Endpoint.endpoints(options), [tcp("::1", 81)])
  })

  it("are the socket with its permissions", () => {
    assert.deepStrictEqual(Endpoint.endpoints({ ...options, socket: "/run/a", socketMode: 0o660 }), [
      unix("/run/a", 0o660)
    ])
  })

  it("are the list, in which Unix sockets without permissions have those of the option", () => {
    const listen = [tcp("a", 1), unix("/run/a"), unix("/run/b", 0o600)]
    assert.deepStrictEqual([...Endpoint.endpoints({ ...options, listen })], listen)
    assert.deepStrictEqual(Endpoint.endpoints({ ...options, listen, socketMode: 0o660 }), [
      tcp("a", 1),
      unix("/run/a", 0o660),
      unix("/run/b", 0o600)
    ])
  })
})

describe("exclusion", () => {
  const exclusion = (...given: ReadonlyArray<string>) => Endpoint.exclusion((name) => given.includes(name))

  it("names two options that do not go together", () => {
    assert.deepStrictEqual(exclusion("port", "listen"), ["listen", "port"])
    assert.deepStrictEqual(exclusion("host", "port", "socket"), ["socket", "host"])
    assert.deepStrictEqual(exclusion("socket", "listen"), ["listen", "socket"])
  })

  it("has nothing against the others", () => {
    for (const given of [[], ["host", "port"], ["socket"], ["listen"]]) assert.isUndefined(exclusion(...given))
  })
})

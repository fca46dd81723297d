import { assert, describe, it } from "@effect/vitest"
import * as Endpoint from "../../src/options/Endpoint.ts"

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

  it("is no half of an address, which would make a socket of that name; the message says what may be meant", () => {
    const specs: ReadonlyArray<readonly [string, string | undefined]> = [
      ["8080", "did you mean 0.0.0.0:8080, or ./8080 for a path"],
      [":8080", "did you mean 0.0.0.0:8080, or ./8080 for a path"],
      ["*:8080", "did you mean 0.0.0.0:8080, or ./8080 for a path"],
      ["localhost", "did you mean localhost:PORT, or ./localhost for a path"],
      ["127.0.0.1", "did you mean 127.0.0.1:PORT, or ./127.0.0.1 for a path"],
      ["*", "did you mean 0.0.0.0:PORT, or ./* for a path"],
      ["123456", "did you mean 123456:PORT, or ./123456 for a path"],
      ["::1:80", "did you mean [::1]:80"],
      [":::80", "did you mean [::]:80"],
      ["unix:/run/a", "did you mean /run/a"],
      ["unix:///run/a", "did you mean /run/a"],
      ["http://0.0.0.0:80/", "did you mean 0.0.0.0:80"],
      ["tcp://[::1]:80", "did you mean [::1]:80"],
      ["::1", undefined],
      ["host:", undefined],
      ["a b:80", undefined],
      ["host:99999", undefined],
      ["", undefined]
    ]
    for (const [spec, explanation] of specs) {
      assert.isUndefined(accept(spec), spec)
      assert.strictEqual(Endpoint.kind.explain?.(spec), explanation, spec)
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

  it("may be one for the PROXY protocol", () => {
    const proxied = { ...tcp("::1", 80), proxyProtocol: true }
    assert.deepStrictEqual(accept("proxy+[::1]:80"), proxied)
    assert.deepStrictEqual(accept({ host: "::1", port: 80, proxyProtocol: true }), proxied)
    assert.deepStrictEqual(accept(proxied), proxied)
    assert.deepStrictEqual(accept({ host: "::1", port: 80, proxyProtocol: false }), tcp("::1", 80))
    assert.deepStrictEqual(accept("proxy+/run/a"), { ...unix("/run/a"), proxyProtocol: true })
    assert.deepStrictEqual(accept("./proxy+a"), unix("./proxy+a"))
    assert.deepStrictEqual(accept("proxy:80"), tcp("proxy", 80))
    for (const spec of ["proxy+[::1]:80", "proxy+/run/a", "proxy+./a"]) {
      const endpoint = accept(spec)
      assert.strictEqual(endpoint && Endpoint.kind.toText(endpoint), spec)
    }
    assert.strictEqual(Endpoint.format(proxied), "[::1]:80")
    assert.strictEqual(Endpoint.format(unix("proxy+a")), "./proxy+a")
    for (const input of ["proxy+", "proxy+proxy+/a", "proxy+80", { host: "a", port: 80, proxyProtocol: 1 }]) {
      assert.isUndefined(accept(input), JSON.stringify(input))
    }
    assert.isUndefined(Endpoint.adminKind.accept("proxy+127.0.0.1:9090"))
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

  it("are all for the PROXY protocol with the option, and otherwise those that say so", () => {
    const listen = [tcp("a", 1), { ...unix("/run/a"), proxyProtocol: true }]
    const isProxied = (given: Partial<Endpoint.EndpointOptions>) =>
      Endpoint.endpoints({ ...options, ...given }).map(({ proxyProtocol }) => proxyProtocol === true)
    assert.deepStrictEqual(isProxied({ listen }), [false, true])
    assert.deepStrictEqual(isProxied({ listen, proxyProtocol: true }), [true, true])
    assert.deepStrictEqual(isProxied({ proxyProtocol: true }), [true])
    assert.deepStrictEqual(isProxied({ socket: "/run/a", proxyProtocol: true }), [true])
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

describe("the endpoint of the admin listener", () => {
  const of = (admin: Endpoint.Endpoint | undefined, socketMode?: number) =>
    Endpoint.adminEndpoint({ admin, socketMode })

  it("is what the option says, of a Unix socket its user's alone unless permissions are set", () => {
    assert.isUndefined(of(undefined))
    assert.deepStrictEqual(of(tcp("a", 1), 0o660), tcp("a", 1))
    assert.deepStrictEqual(of(unix("/run/a")), unix("/run/a", 0o600))
    assert.deepStrictEqual(of(unix("/run/a"), 0o660), unix("/run/a", 0o660))
    assert.deepStrictEqual(of(unix("/run/a", 0o666), 0o660), unix("/run/a", 0o666))
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

import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as ServerOptions from "../../src/options/ServerOptions.ts"
import type * as TlsOptions from "../../src/options/TlsOptions.ts"

type OptionName = keyof typeof ServerOptions.table

/** Gives one option a value of any kind, as untyped programs and configuration files do. */
const makeWith = (option: string, value: unknown) => ServerOptions.make({ [option]: value })

interface Row {
  readonly accepted: ReadonlyArray<unknown>
  readonly refused: ReadonlyArray<unknown>
  readonly expected: string
}

const notIntegers: ReadonlyArray<unknown> = [
  0.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  2 ** 53,
  "1",
  1n,
  null,
  true,
  {}
]

const integers = (minimum: number, maximum?: number): Row => ({
  accepted: [minimum, minimum + 1, maximum ?? Number.MAX_SAFE_INTEGER],
  refused: [minimum - 1, -5, ...(maximum === undefined ? [] : [maximum + 1]), ...notIntegers],
  expected:
    maximum === undefined ? `a whole number of at least ${minimum}` : `a whole number from ${minimum} to ${maximum}`
})

const sizes = (minimum: number, maximum?: number): Row => {
  const row = integers(minimum, maximum)
  return { ...row, expected: `${row.expected} (on the command line also with a unit, such as 64KiB or 10MB)` }
}

const toggles: Row = { accepted: [true, false], refused: ["true", 1, 0, null], expected: "true or false" }

const texts: Row = { accepted: ["x", "::1"], refused: ["", "a\0b", 5, null, {}], expected: "a text that is not empty" }

const durations: Row = {
  accepted: [0, 1500, "2 seconds", "1 minute", Duration.zero, Duration.hours(1), 5n, 2 ** 31 - 1],
  refused: [
    -1,
    Number.NaN,
    2 ** 31,
    "25 days",
    Duration.seconds(2_147_484),
    Duration.infinity,
    "Infinity",
    Duration.seconds(-1),
    "soon",
    "60",
    null,
    true,
    Symbol("duration")
  ],
  expected: "seconds from 0 to 2147483, such as 2.5, or 500ms, 5s, 2m, 1h (in programs a duration)"
}

const choices = (...values: ReadonlyArray<string>): Row => ({
  accepted: values,
  refused: ["", "none", values[0]?.toUpperCase(), true, null, 0],
  expected: `one of ${values.join(", ")}`
})

const orAuto = ({ accepted, expected, refused }: Row): Row => ({
  accepted: [...accepted, "auto"],
  refused: [...refused, "Auto", "all"],
  expected: `${expected}, or auto`
})

const rows: Readonly<Record<OptionName, Row>> = {
  mode: choices("development", "production"),
  host: texts,
  port: integers(0, 65_535),
  socket: texts,
  socketMode: {
    accepted: [0, 0o660, 0o777],
    refused: [-1, 0o1000, 660, "0660", ...notIntegers],
    expected: "permissions from 0 to 0777 (in octal; in programs a number such as 0o660)"
  },
  listen: {
    accepted: [
      ["127.0.0.1:80"],
      ["/run/a", { host: "::1", port: 0 }, { socket: "b", socketMode: 0o600 }],
      ["proxy+[::1]:80", "proxy+./a"]
    ],
    refused: [
      [],
      "127.0.0.1:80",
      [""],
      ["/run/a", "a b:80"],
      [5],
      [null],
      null,
      {},
      [{ socket: "b", port: 5 }],
      ["proxy+"],
      ["proxy+proxy+/a"]
    ],
    expected: "a list of host:port, [IPv6 address]:port or the path of a Unix socket"
  },
  proxyProtocol: toggles,
  disableTls: toggles,
  listenerBacklog: integers(1, 2 ** 31 - 1),
  maxConnections: integers(1),
  workers: orAuto(integers(0, 1024)),
  reload: { ...toggles, accepted: [false] },
  reloadBrowser: { ...toggles, accepted: [false] },
  reloadInclude: {
    accepted: [],
    refused: [[], [""], ["a\0b"], "templates", [5], null, {}],
    expected: "a list of a text that is not empty"
  },
  reuseport: toggles,
  maxConcurrentRequests: integers(0),
  maxQueuedRequests: { ...integers(0), accepted: [100] },
  maxQueueTime: durations,
  healthPaths: {
    accepted: [[], ["/health"], ["/", "/a b"]],
    refused: [["health"], ["/health?x"], ["/#a"], ["/\0"], [""], "/health", null],
    expected: "a list of a path that begins with / and has no query, such as /health"
  },
  requestDeadline: durations,
  maxRequests: integers(0),
  maxRequestsJitter: integers(0),
  maxWorkerMemory: sizes(0),
  maxLoopDelay: durations,
  minWorkers: integers(0, 1024),
  maxWorkers: orAuto(integers(0, 1024)),
  heartbeatTimeout: durations,
  bootTimeout: durations,
  accessLog: texts,
  accessLogFormat: {
    accepted: ["clf", "combined", "common", "tiny", "json", "%h %{Referer}i"],
    refused: [5, null, {}],
    expected: "one of clf, combined, common, tiny, json, or a text with atoms such as %h and %{Referer}i"
  },
  logFormat: choices("plain", "pretty", "logfmt", "json"),
  logLevel: choices("debug", "info", "warn", "error"),
  quiet: toggles,
  requestId: { ...choices("off", "make"), refused: ["", "none", "OFF", true, 0], expected: "one of off, make, trust" },
  sendRequestId: { ...toggles, accepted: [false] },
  trustedProxies: {
    accepted: [["127.0.0.1", "fd00::/8", "unix"]],
    refused: [[], "127.0.0.1", ["localhost"], ["10.0.0.0/33"], ["10.0.0.0/"], ["unix/8"], [5], null],
    expected: "a list of addresses and networks such as 127.0.0.1, 10.0.0.0/8 and fd00::/8, or unix for Unix sockets"
  },
  trustedFields: {
    accepted: [["for"], ["forwarded", "prefix"]],
    refused: [[], "for", ["x-forwarded-for"], ["FOR"], [null], null],
    expected: "a list of one of for, proto, host, port, prefix, forwarded"
  },
  rootPath: {
    accepted: ["", "/shop", "/shop/de-at", "/a.b/~c/..d"],
    refused: [
      "shop",
      "//shop",
      "/a//b",
      "/a/../b",
      "/.",
      "/a b",
      "/a%20b",
      "/a?b",
      "/a#b",
      "/a\\b",
      "/ü",
      "/a,b",
      5,
      null
    ],
    expected: "a path such as /shop, of letters, digits and other characters that need no percent-encoding, or nothing"
  },
  static: {
    accepted: [],
    refused: [
      [],
      "/assets=./public",
      ["./public"],
      ["assets=./public"],
      ["/a/../b=x"],
      ["//a=x"],
      ["/a?=x"],
      ["/a%41=x"],
      ["/.git=x"],
      ["/a="],
      ["/a=x\0"],
      [{ prefix: "/a" }],
      [null],
      [5],
      null
    ],
    expected: "a list of a prefix of paths and a folder, such as /assets=./public"
  },
  staticMaxAge: durations,
  staticImmutable: toggles,
  sendfile: {
    accepted: [],
    refused: [[], "/files=./files", ["./files"], ["/a="], [null], null],
    expected: "a list of a prefix of paths and a folder, such as /assets=./public"
  },
  compress: toggles,
  redirectHttps: {
    accepted: [],
    refused: [[], "127.0.0.1:80", ["proxy+127.0.0.1:80"], [80], [null], null],
    expected: "a list of host:port, [IPv6 address]:port or the path of a Unix socket"
  },
  redirectPort: { ...integers(0, 65535), accepted: [0] },
  redirectExcept: {
    accepted: [[]],
    refused: [["a"], ["/a?b"], [""], "/a", null],
    expected: "a list of a path that begins with / and has no query, such as /health"
  },
  securityHeaders: choices("off", "basic", "strict", "api"),
  hsts: {
    accepted: ["max-age=0", "max-age=31536000; includeSubDomains", "max-age=31536000; includeSubDomains; preload"],
    refused: [
      "",
      "31536000",
      "max-age=",
      "max-age=-1",
      "max-age=1; max-age=2",
      "max-age=1, evil",
      "max-age=31536000, preload",
      "max-age=1, includeSubDomains, preload",
      "max-age=1, preload, preload",
      "max-age=1\r\nx: y",
      31536000,
      null
    ],
    expected:
      "max-age=SECONDS, and behind it includeSubDomains, and preload if there are includeSubDomains and at least 31536000 seconds, with commas between them"
  },
  compressMinSize: { ...sizes(0), accepted: [1024] },
  compressLevels: {
    accepted: [],
    refused: [
      [],
      "br=4",
      ["br"],
      ["br=12"],
      ["gzip=0"],
      ["zstd=on"],
      ["zstd=10"],
      ["deflate=1"],
      ["br=4.5"],
      [{ coding: "br" }],
      [null],
      null
    ],
    expected: "a list of br=0 to br=11, zstd=1 to zstd=9, gzip=1 to gzip=9, or off as the level"
  },
  admin: {
    accepted: ["127.0.0.1:9090", "/run/admin.sock", { host: "::1", port: 0 }, { socket: "a", socketMode: 0o660 }],
    refused: ["", "a b:90", 9090, null, { host: "::1" }, "proxy+127.0.0.1:9090"],
    expected: "host:port, [IPv6 address]:port or the path of a Unix socket"
  },
  adminToken: {
    accepted: [],
    refused: ["0123456789abcde", "with spaces in it, though", "ümlaute-are-no-ascii", 5, null],
    expected: "at least 16 visible characters of ASCII"
  },
  otlp: {
    accepted: ["on", "off", "http://localhost:4318", "https://collector.example/otlp/"],
    refused: ["", "collector:4318", "ftp://a", "http://user:secret@a", "http://a?b", "http://a#b", 4318, null],
    expected: "on, off, or a URL of http or https, without user, query and fragment, such as http://localhost:4318"
  },
  lifespan: choices("auto", "on", "off"),
  lifespanStartupTimeout: durations,
  maxHeaderSize: sizes(64),
  maxHeaderCount: integers(1),
  maxBodySize: sizes(0),
  timeout: durations,
  headersTimeout: durations,
  bodyTimeout: durations,
  requestTimeout: durations,
  writeTimeout: durations,
  sseIdleTimeout: durations,
  wsIdleTimeout: durations,
  maxReceiveQueue: integers(1),
  maxWsFrameSize: sizes(0),
  maxWsMessageSize: sizes(0),
  maxWsFragments: integers(0),
  perMessageDeflate: toggles,
  http2: toggles,
  h2MaxConcurrentStreams: integers(1, 2 ** 31 - 1),
  h2InitialWindowSize: sizes(1, 2 ** 31 - 1),
  h2MaxFrameSize: sizes(16_384, 2 ** 24 - 1),
  h2MaxHeaderListSize: sizes(1, 2 ** 32 - 1),
  h2EnableConnectProtocol: toggles,
  h2ResetBurst: integers(1),
  h2ResetRate: integers(1),
  syncFileThreshold: sizes(0),
  writeHighWatermark: { ...sizes(1), accepted: [16_384, 16_385, Number.MAX_SAFE_INTEGER] },
  writeLowWatermark: { ...sizes(0), accepted: [0, 1, 65_536] },
  disconnectGrace: durations,
  drainDelay: durations,
  shutdownTimeout: durations
}

describe("ServerOptions", () => {
  it("says of each option whether its changes wait for a restart", () => {
    // Whoever adds an option asks: does the process above the workers (Supervisor, BoundSockets, PoolAdmin, the command's
    // supervisor) look at it? Then it belongs here. It may not be one of two that have to fit together, and the other not.
    const waiting = [
      ...["host", "port", "redirectHttps", "socket", "socketMode", "listen", "listenerBacklog", "disableTls"],
      ...["mode", "reload", "reloadInclude", "workers", "minWorkers", "maxWorkers", "reuseport"],
      ...["maxWorkerMemory", "maxLoopDelay", "heartbeatTimeout", "bootTimeout", "drainDelay", "shutdownTimeout"],
      ...["admin", "adminToken", "otlp"]
    ]
    const names = ServerOptions.definitions.flatMap(([name, { isAtStart = false }]) => (isAtStart ? [name] : []))
    const ofTls = ServerOptions.definitions.map(([name]) => name).filter((name) => name.startsWith("tls."))
    assert.deepStrictEqual(names.toSorted(), [...waiting, ...ofTls].toSorted())
  })

  it.effect("has the documented defaults", () =>
    Effect.gen(function* () {
      const values = yield* ServerOptions.make()
      const plain = Object.fromEntries(
        Object.entries(values).map(([name, value]) => [
          name,
          Duration.isDuration(value) ? Duration.toSeconds(value) : value
        ])
      )
      assert.deepStrictEqual(plain, {
        extensions: { fullflush: {} },
        tls: undefined,
        proxyProtocol: false,
        disableTls: false,
        redirectHttps: undefined,
        redirectPort: 0,
        redirectExcept: [],
        mode: "production",
        host: "127.0.0.1",
        port: 5000,
        socket: undefined,
        socketMode: undefined,
        listen: undefined,
        listenerBacklog: 2048,
        maxConnections: 1000,
        workers: 0,
        reload: false,
        reloadInclude: undefined,
        reloadBrowser: false,
        reuseport: false,
        maxConcurrentRequests: 0,
        maxQueuedRequests: 100,
        maxQueueTime: 0,
        healthPaths: [],
        maxRequests: 0,
        maxRequestsJitter: 0,
        maxWorkerMemory: 0,
        maxLoopDelay: 0,
        minWorkers: 0,
        maxWorkers: 0,
        heartbeatTimeout: 50,
        bootTimeout: 60,
        accessLog: "stderr",
        accessLogFormat: "clf",
        logFormat: undefined,
        logLevel: "info",
        quiet: false,
        requestId: "off",
        sendRequestId: false,
        trustedProxies: undefined,
        trustedFields: ["for", "proto", "host", "port", "prefix", "forwarded"],
        rootPath: "",
        static: undefined,
        staticMaxAge: 0,
        staticImmutable: false,
        sendfile: undefined,
        compress: false,
        securityHeaders: "off",
        hsts: undefined,
        compressMinSize: 1024,
        compressLevels: undefined,
        admin: undefined,
        adminToken: undefined,
        otlp: "off",
        lifespan: "auto",
        lifespanStartupTimeout: 30,
        maxHeaderSize: 16_384,
        maxHeaderCount: 100,
        maxBodySize: 10_000_000,
        timeout: 75,
        headersTimeout: 30,
        bodyTimeout: 30,
        requestTimeout: 0,
        requestDeadline: 0,
        writeTimeout: 60,
        sseIdleTimeout: 0,
        wsIdleTimeout: 0,
        maxReceiveQueue: 1000,
        maxWsFrameSize: 1_048_576,
        maxWsMessageSize: 1_048_576,
        maxWsFragments: 16_384,
        perMessageDeflate: false,
        http2: true,
        h2MaxConcurrentStreams: 100,
        h2InitialWindowSize: 65_535,
        h2MaxFrameSize: 16_384,
        h2MaxHeaderListSize: 65_536,
        h2EnableConnectProtocol: true,
        h2ResetBurst: 1000,
        h2ResetRate: 33,
        syncFileThreshold: 65_536,
        writeHighWatermark: 65_536,
        writeLowWatermark: 16_384,
        disconnectGrace: 5,
        drainDelay: 0,
        shutdownTimeout: 30
      })
    })
  )

  it.effect("has defaults that it accepts itself, and a description for every option", () =>
    Effect.gen(function* () {
      for (const [name, { defaultValue, description }] of ServerOptions.definitions) {
        const [group = "", option] = name.split(".")
        const values = yield* makeWith(group, option === undefined ? defaultValue : { cert: "c", key: "k" })
        const value =
          option === undefined ? values[group as OptionName] : values.tls?.[option as keyof TlsOptions.Values]
        if (option !== "cert" && option !== "key") assert.deepStrictEqual(value, defaultValue)
        assert.isAbove(description.length, 10)
      }
    })
  )

  it.effect("refuses a free port that each worker would look for itself", () =>
    Effect.gen(function* () {
      const shared = { workers: 2, reuseport: true }
      for (const input of [{ port: 0 }, { listen: ["127.0.0.1:80", "[::1]:0"] }]) {
        const error = yield* Effect.flip(ServerOptions.make({ ...shared, ...input }))
        assert.strictEqual(
          error.message,
          "option reuseport: true is not allowed; expected no port 0 beside it: each worker would get a port of its own"
        )
        yield* ServerOptions.make({ workers: 2, ...input })
        yield* ServerOptions.make({ reuseport: true, ...input })
      }
      yield* ServerOptions.make(shared)
      yield* ServerOptions.make({ ...shared, socket: "/run/app.sock" })
    })
  )

  it.effect("has as many workers at first as it may have at least and at most", () =>
    Effect.gen(function* () {
      for (const input of [
        { workers: 2, minWorkers: 2, maxWorkers: 2 },
        { workers: 2, minWorkers: 1 },
        { workers: 2, maxWorkers: "auto" },
        { workers: "auto", minWorkers: 4, maxWorkers: 4 },
        { workers: 0, minWorkers: 2, maxWorkers: "auto" },
        { workers: 0, maxWorkers: 1 }
      ] as const) {
        yield* ServerOptions.make(input)
      }
      const problems: ReadonlyArray<readonly [ServerOptions.Input, string]> = [
        [{ workers: 2, minWorkers: 3 }, "option minWorkers: 3 is not allowed; expected at most 2, as many as workers"],
        [{ workers: 2, maxWorkers: 1 }, "option maxWorkers: 1 is not allowed; expected at least 2, as many as workers"],
        [
          { workers: "auto", minWorkers: 3, maxWorkers: 2 },
          "option maxWorkers: 2 is not allowed; expected at least 3, which minWorkers says"
        ],
        [
          { minWorkers: 2, maxWorkers: 1 },
          "option maxWorkers: 1 is not allowed; expected at least 2, which minWorkers"
        ],
        [
          { workers: 1, minWorkers: 3, maxWorkers: 2 },
          "option maxWorkers: 2 is not allowed; expected at least 3, which minWorkers says"
        ]
      ]
      for (const [input, message] of problems) {
        assert.include((yield* Effect.flip(ServerOptions.make(input))).message, message)
      }
    })
  )

  it.effect("knows what one process cannot honour", () =>
    Effect.gen(function* () {
      const nothing = { needsWorkers: [], needsCommand: [] }
      assert.deepStrictEqual(ServerOptions.withoutEffect(yield* ServerOptions.make()), nothing)
      const input = {
        workers: 2,
        reuseport: true,
        maxRequests: 1,
        maxRequestsJitter: 1,
        port: 81,
        logFormat: "plain",
        mode: "development",
        reload: true,
        reloadInclude: ["data.json"]
      } as const
      const values = yield* ServerOptions.make({ ...input, heartbeatTimeout: 1, bootTimeout: 1 })
      assert.deepStrictEqual(ServerOptions.withoutEffect(values), {
        needsWorkers: ["workers", "reuseport", "maxRequests", "maxRequestsJitter", "heartbeatTimeout", "bootTimeout"],
        needsCommand: ["reload", "reloadInclude", "logFormat"]
      })
      assert.deepStrictEqual(
        ServerOptions.forOneProcess(values),
        yield* ServerOptions.make({ port: 81, mode: "development" })
      )
    })
  )

  it.effect("reloads in development alone, and knows what to watch besides", () =>
    Effect.gen(function* () {
      const values = yield* ServerOptions.make({ mode: "development", reload: true, reloadInclude: ["a", "*.html"] })
      assert.deepStrictEqual(values.reloadInclude, ["a", "*.html"])
      const problems: ReadonlyArray<readonly [ServerOptions.Input, string]> = [
        [
          { reload: true },
          "option reload: true is not allowed; expected mode development beside it, on command lines -E development"
        ],
        [
          { reload: true, mode: "production" },
          "option reload: true is not allowed; expected mode development beside it, on command lines -E development"
        ],
        [
          { reloadBrowser: true },
          "option reloadBrowser: true is not allowed; expected mode development beside it, on command lines -E development"
        ],
        [
          { reloadBrowser: true, mode: "development", workers: 2 },
          "option reloadBrowser: true is not allowed; expected reload beside it, with workers"
        ],
        [{ reloadInclude: ["a"] }, 'option reloadInclude: ["a"] is not allowed; expected reload beside it']
      ]
      for (const [input, message] of problems) {
        assert.strictEqual((yield* Effect.flip(ServerOptions.make(input))).message, message)
      }
    })
  )

  it.effect("takes ids from proxies that are named, and refuses what would do nothing", () =>
    Effect.gen(function* () {
      const trustedProxies = ["127.0.0.1", "10.0.0.0/8", "::1", "fd00::/8", "unix"]
      const values = yield* ServerOptions.make({ requestId: "trust", sendRequestId: true, trustedProxies })
      assert.deepStrictEqual(values.trustedProxies, trustedProxies)
      yield* ServerOptions.make({ requestId: "make", sendRequestId: true })
      yield* ServerOptions.make({ trustedProxies: ["unix"] })
      const problems: ReadonlyArray<readonly [ServerOptions.Input, string]> = [
        [
          { requestId: "trust" },
          'option requestId: "trust" is not allowed; expected trustedProxies beside it: whose ids are to be taken'
        ],
        [
          { maxQueuedRequests: 10 },
          "option maxQueuedRequests: 10 is not allowed; expected maxConcurrentRequests beside it, without which no request waits for others"
        ],
        [
          { redirectHttps: ["127.0.0.1:80"] },
          'option redirectHttps: ["127.0.0.1:80"] is not allowed; expected TLS beside it: there has to be https to go to'
        ],
        [
          { redirectPort: 443 },
          "option redirectPort: 443 is not allowed; expected redirectHttps beside it, without which nothing is redirected"
        ],
        [
          { redirectExcept: ["/a"] },
          'option redirectExcept: ["/a"] is not allowed; expected redirectHttps beside it, without which nothing is redirected'
        ],
        [
          { compressMinSize: 10 },
          "option compressMinSize: 10 is not allowed; expected compress beside it, without which nothing is compressed"
        ],
        [
          { compressLevels: ["br=4"] },
          'option compressLevels: ["br=4"] is not allowed; expected compress beside it, without which nothing is compressed'
        ],
        [
          { sendRequestId: true },
          "option sendRequestId: true is not allowed; expected requestId make or trust beside it"
        ]
      ]
      for (const [input, message] of problems) {
        assert.strictEqual((yield* Effect.flip(ServerOptions.make(input))).message, message)
      }
    })
  )

  it.effect("refuses an admin listener at the application's place, and what is none, without advising to open it", () =>
    Effect.gen(function* () {
      const refuse = (input: ServerOptions.Input) => Effect.map(Effect.flip(ServerOptions.make(input)), String)
      const shared = "expected another place than where the application listens"
      assert.include(yield* refuse({ port: 8080, admin: "127.0.0.1:8080" }), shared)
      assert.include(yield* refuse({ listen: ["[::1]:1", "/run/one.sock"], admin: "/run/one.sock" }), shared)
      assert.strictEqual((yield* ServerOptions.make({ port: 0, admin: "127.0.0.1:0" })).port, 0)
      assert.include(yield* refuse({ admin: "9090" }), "did you mean 127.0.0.1:9090, or ./9090 for a path")
      assert.include(yield* refuse({ admin: "off" }), "leave it out to have none, or did you mean ./off for a path")
    })
  )

  it.effect("tells what is not as by default, and no secret", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(ServerOptions.differing(yield* ServerOptions.make()), {})
      const adminToken = "a-secret-of-somebody"
      const input = { port: 81, timeout: "2 seconds", tls: { cert: "c", key: "k" } } as const
      const values = yield* ServerOptions.make({ ...input, admin: "[::1]:9090", adminToken })
      assert.deepStrictEqual(ServerOptions.differing(values), {
        port: "81",
        timeout: "2",
        admin: "[::1]:9090",
        adminToken: "(not shown)",
        "tls.cert": "c",
        "tls.key": "k"
      })
      const alone = yield* Effect.flip(ServerOptions.make({ adminToken }))
      assert.strictEqual(
        alone.message,
        "option adminToken: (not shown) is not allowed; expected admin beside it: where the listener is that asks for the token"
      )
      const short = yield* Effect.flip(ServerOptions.make({ adminToken: "secret" }))
      assert.notInclude(short.message, "secret")
      const definition = ServerOptions.table.adminToken
      const read = yield* Effect.flip(
        ServerOptions.parse("--admin-token", definition as ServerOptions.Definition<unknown, unknown>, "secret")
      )
      assert.strictEqual(
        read.message,
        "option --admin-token: (not shown) is not allowed; expected at least 16 visible characters of ASCII"
      )
    })
  )

  it.effect("logs requests as it logs everything for whoever reads lines by a program", () =>
    Effect.gen(function* () {
      const logOf = (input: ServerOptions.Input) =>
        Effect.map(ServerOptions.make(input), ({ accessLog, accessLogFormat }) => [accessLog, accessLogFormat])
      assert.deepStrictEqual(yield* logOf({ logFormat: "json" }), ["stderr", "json"])
      assert.deepStrictEqual(yield* logOf({ logFormat: "json", accessLogFormat: "tiny" }), ["stderr", "tiny"])
      assert.deepStrictEqual(yield* logOf({ logFormat: "json", accessLog: "stdout" }), ["stdout", "json"])
      assert.deepStrictEqual(yield* logOf({ logFormat: "json", quiet: true }), ["off", "json"])
      assert.deepStrictEqual(yield* logOf({ logFormat: "logfmt" }), ["log", "clf"])
      assert.deepStrictEqual(yield* logOf({ logFormat: "logfmt", accessLogFormat: "json" }), ["stderr", "json"])
      assert.deepStrictEqual(yield* logOf({ logFormat: "logfmt", accessLog: "stdout" }), ["stdout", "clf"])
      assert.deepStrictEqual(yield* logOf({ logFormat: "logfmt", quiet: true }), ["off", "clf"])
      for (const logFormat of ["plain", "pretty"] as const) {
        assert.deepStrictEqual(yield* logOf({ logFormat }), ["stderr", "clf"])
      }
      const error = yield* Effect.flip(ServerOptions.make({ accessLog: "log", accessLogFormat: "clf" }))
      assert.strictEqual(
        error.message,
        'option accessLogFormat: "clf" is not allowed; expected no accessLog log beside it: messages have the format of the log'
      )
    })
  )

  it.effect("says what is wrong with a format of the access log", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(ServerOptions.make({ accessLogFormat: "%h %Z" }))
      assert.match(
        error.message,
        /^option accessLogFormat: "%h %Z" is not allowed; expected one of .*; %Z is not an atom$/
      )
    })
  )

  it("gives no two options the same short flag", () => {
    const aliases = ServerOptions.definitions.flatMap(([, { alias }]) => (alias === undefined ? [] : [alias]))
    assert.strictEqual(new Set(aliases).size, aliases.length)
    assert.isTrue(aliases.every((alias) => alias.length === 1))
  })

  describe.each(Object.entries(rows))("%s", (name, { accepted, refused, expected }) => {
    it.effect("accepts what is allowed", () =>
      Effect.forEach(accepted, (value) => makeWith(name, value), { discard: true })
    )

    it.effect("refuses anything else with its name, the value and what is allowed", () =>
      Effect.gen(function* () {
        for (const value of refused) {
          const error = yield* Effect.flip(makeWith(name, value))
          assert.strictEqual(error.option, name)
          assert.strictEqual(error.expected, expected)
          assert.strictEqual(error.message, `option ${name}: ${error.value} is not allowed; expected ${expected}`)
        }
      })
    )
  })

  it.effect("reads every way of writing a duration", () =>
    Effect.gen(function* () {
      const inputs = [90_000, "90 seconds", "1.5 minutes", Duration.minutes(1.5), 90_000_000_000n]
      for (const timeout of inputs) {
        const values = yield* makeWith("timeout", timeout)
        assert.strictEqual(Duration.toSeconds(values.timeout), 90)
      }
    })
  )

  it.effect("takes an undefined value for none", () =>
    Effect.gen(function* () {
      const values = yield* makeWith("port", undefined)
      assert.strictEqual(values.port, 5000)
    })
  )

  it.effect("refuses what is no option", () =>
    Effect.gen(function* () {
      for (const name of ["prot", "Port", "", "constructor", "max-body-size"]) {
        const error = yield* Effect.flip(makeWith(name, 5))
        assert.strictEqual(error.message, `option ${name}: 5 is not allowed; expected the name of an option`)
      }
    })
  )

  it.effect("writes values so that they can be told apart", () =>
    Effect.gen(function* () {
      const shown: Array<string | undefined> = []
      for (const value of ["80", -80, null, Duration.seconds(80), Object.create(null)]) {
        shown.push((yield* Effect.flip(makeWith("port", value))).value)
      }
      assert.deepStrictEqual(shown, [`"80"`, "-80", "null", "1m 20s", "{}"])
    })
  )

  it.effect("keeps extensions as they are, and refuses what cannot be any", () =>
    Effect.gen(function* () {
      const extensions = { fullflush: {}, "x-own": { level: 3 } }
      assert.strictEqual((yield* ServerOptions.make({ extensions })).extensions, extensions)
      for (const value of ["fullflush", 5, null, true]) {
        const error = yield* Effect.flip(makeWith("extensions", value))
        assert.strictEqual(error.option, "extensions")
      }
    })
  )

  it.effect("lets one thing only say where to listen", () =>
    Effect.gen(function* () {
      const messageOf = (input: ServerOptions.Input) =>
        Effect.map(Effect.flip(ServerOptions.make(input)), ({ message }) => message)
      assert.strictEqual(
        yield* messageOf({ socket: "/run/a", port: 80 }),
        'option socket: "/run/a" is not allowed; expected no port beside it: socket and port exclude each other'
      )
      for (const other of [{ host: "::1" }, { port: 5000 }, { socket: "/run/a" }]) {
        const [name] = Object.keys(other)
        assert.match(
          yield* messageOf({ listen: ["/run/b"], ...other }),
          new RegExp(`^option listen: .* is not allowed; expected no ${name} beside it`)
        )
      }
      yield* ServerOptions.make({ host: "::1", port: 80, socketMode: 0o600 })
      yield* ServerOptions.make({ listen: ["/run/b"], socketMode: 0o600 })
    })
  )

  describe("maxWsFrameSize", () => {
    it.effect.each([
      [{ maxWsMessageSize: 5000 }, 5000],
      [{ maxWsMessageSize: 0 }, 0],
      [{ maxWsFrameSize: 100 }, 100],
      [{ maxWsFrameSize: 0, maxWsMessageSize: 5000 }, 0],
      [{ maxWsFrameSize: 2_000_000 }, 2_000_000]
    ] as const)("of %j is %d: as large as a message when it is not given", ([input, expected]) =>
      Effect.gen(function* () {
        assert.strictEqual((yield* ServerOptions.make(input)).maxWsFrameSize, expected)
      })
    )
  })

  describe("watermarks", () => {
    it.effect("may be equal", () => ServerOptions.make({ writeHighWatermark: 100, writeLowWatermark: 100 }))

    it.effect("must not be the wrong way round, also with a default for one of them", () =>
      Effect.gen(function* () {
        for (const input of [{ writeHighWatermark: 100, writeLowWatermark: 101 }, { writeHighWatermark: 100 }]) {
          const error = yield* Effect.flip(ServerOptions.make(input))
          assert.strictEqual(error.option, "writeLowWatermark")
          assert.include(error.message, "expected at most the high watermark")
        }
      })
    )
  })

  describe("names", () => {
    it("are derived for flags and for the environment", () => {
      assert.strictEqual(ServerOptions.flagName("maxBodySize"), "max-body-size")
      assert.strictEqual(ServerOptions.flagName("host"), "host")
      assert.strictEqual(ServerOptions.environmentName("maxBodySize"), "PAGI_MAX_BODY_SIZE")
      assert.strictEqual(ServerOptions.environmentName("host"), "PAGI_HOST")
    })

    it("differ for all options", () => {
      const names = ServerOptions.definitions.map(([name]) => name)
      assert.strictEqual(new Set(names.map(ServerOptions.flagName)).size, names.length)
      assert.strictEqual(new Set(names.map(ServerOptions.environmentName)).size, names.length)
    })
  })

  describe("parse", () => {
    const parse = (name: OptionName, text: string) => {
      const definition = ServerOptions.definitions.find(([other]) => other === name)?.[1]
      return definition === undefined ? Effect.die(name) : ServerOptions.parse(`--${name}`, definition, text)
    }

    it.effect("reads numbers, texts, toggles and choices", () =>
      Effect.gen(function* () {
        assert.strictEqual(yield* parse("port", "8080"), 8080)
        assert.strictEqual(yield* parse("host", "::1"), "::1")
        assert.deepStrictEqual(
          yield* Effect.forEach(["true", "1", "false", "0", "yes", "off"], (text) => parse("quiet", text)),
          [true, true, false, false, true, false]
        )
        assert.strictEqual(yield* parse("lifespan", "on"), "on")
      })
    )

    it.effect("reads durations in seconds, or with a unit", () =>
      Effect.gen(function* () {
        for (const [text, millis] of [
          ["0", 0],
          ["30", 30_000],
          ["0.25", 250],
          ["0s", 0],
          ["5s", 5000],
          ["0.3s", 300],
          ["250ms", 250],
          ["1.5m", 90_000],
          ["2H", 7_200_000],
          ["2147483", 2_147_483_000]
        ] as const) {
          const value = yield* parse("timeout", text)
          assert.strictEqual(Duration.isDuration(value) ? Duration.toMillis(value) : undefined, millis)
        }
      })
    )

    it.effect("reads sizes in bytes, or with a unit", () =>
      Effect.gen(function* () {
        for (const [text, bytes] of [
          ["0", 0],
          ["512b", 512],
          ["10MB", 10_000_000],
          ["10mb", 10_000_000],
          ["1.1MB", 1_100_000],
          ["64KiB", 65_536],
          ["1.5MiB", 1_572_864],
          ["2GB", 2_000_000_000],
          ["1GiB", 1_073_741_824],
          ["9007199254740991", Number.MAX_SAFE_INTEGER]
        ] as const) {
          assert.strictEqual(yield* parse("maxBodySize", text), bytes, text)
        }
      })
    )

    it.effect("lets no number that wraps in 32 bits through", () =>
      Effect.gen(function* () {
        const limits = [
          ["h2MaxConcurrentStreams", "2147483648"],
          ["h2MaxHeaderListSize", "4GiB"],
          ["h2InitialWindowSize", "2GiB"],
          ["listenerBacklog", "2147483648"],
          ["bootTimeout", "2147484"],
          ["bootTimeout", "597h"]
        ] as const
        for (const [name, text] of limits) {
          const error = yield* Effect.flip(parse(name, text))
          assert.strictEqual(error.value, JSON.stringify(text))
        }
      })
    )

    const refused: ReadonlyArray<readonly [OptionName, ReadonlyArray<string>]> = [
      ["port", ["", " 80", "80 ", "+80", "-1", "0x50", "8e3", "80.0", "65536", "99999999999999999999", "٨٠"]],
      [
        "timeout",
        ["", "-1", "1 s", "s", "1d", "1constructor", ".5", "5.", "1e3", "Infinity", "1 minute", "9".repeat(400)]
      ],
      ["maxBodySize", ["", "-1", "10M", "10 MB", "1.5", "1.0005kB", "MB", "1e6", "9007199254740992", "9PB"]],
      ["quiet", ["", "maybe", "TRUE", "2"]],
      ["lifespan", ["", "ON", "onn"]],
      ["host", [""]]
    ]

    it.effect.each(refused)("refuses other texts for %s", ([name, texts]) =>
      Effect.gen(function* () {
        for (const text of texts) {
          const error = yield* Effect.flip(parse(name, text))
          assert.strictEqual(error.option, `--${name}`)
          assert.strictEqual(error.value, JSON.stringify(text))
          assert.strictEqual(error.expected, ServerOptions.table[name].kind.expected)
        }
      })
    )

    it.effect("reads back what the options write", () =>
      Effect.gen(function* () {
        for (const [name, definition] of ServerOptions.definitions) {
          const text = ServerOptions.defaultText(definition)
          if (text === undefined) continue
          assert.deepStrictEqual(yield* ServerOptions.parse(name, definition, text), definition.defaultValue)
        }
      })
    )
  })

  it.effect.prop("never accepts junk as a number", [Schema.Unknown], ([value]) =>
    Effect.gen(function* () {
      if (value === undefined) return
      const exit = yield* Effect.exit(makeWith("port", value))
      assert.strictEqual(
        exit._tag === "Success",
        Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 65_535
      )
    })
  )

  describe("layer", () => {
    it.effect("provides the options", () =>
      Effect.gen(function* () {
        const context = yield* Layer.build(ServerOptions.layer({ port: 0 }))
        assert.strictEqual(Context.get(context, ServerOptions.ServerOptions).port, 0)
      })
    )

    it.effect("fails at once on a value that is not allowed", () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(Layer.build(ServerOptions.layer({ port: -1 })))
        assert.include(error.message, "option port: -1 is not allowed")
      })
    )
  })
})

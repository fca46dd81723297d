import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { descriptors, idleDescriptors, isMeasurable, tell } from "./support/Memory.ts"
import { open, requestText } from "./support/Peer.ts"
import { serve } from "./support/Programs.ts"
import { Random } from "./support/Random.ts"
import { mutate, split, validRequest } from "./support/Requests.ts"
import { until } from "./support/Until.ts"

const seed = Number(process.env["PAGI_TEST_SEED"] ?? Math.floor(Math.random() * 0x7fffffff))

/** Time limits so short that connections which are left open end within the test. */
const flags = [
  ...["--timeout", "1", "--headers-timeout", "1", "--request-timeout", "1", "--write-timeout", "1"],
  ...["--disconnect-grace", "1", "--max-header-size", "512", "--max-body-size", "10000"]
]

/** One connection: sends the pieces, each as a segment of its own, and then ends, resets or waits for the server. */
const talk = (port: number, pieces: ReadonlyArray<string>, ending: "end" | "reset" | "wait") =>
  Effect.scoped(
    Effect.gen(function* () {
      const peer = (yield* open(port)).read()
      peer.socket.setNoDelay(true)
      for (const piece of pieces) {
        peer.send(piece)
        yield* Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))
      }
      if (ending === "end") peer.socket.end()
      if (ending === "reset") peer.socket.resetAndDestroy()
      yield* peer.closed
      return peer.text
    })
  )

/** How HTTP/2 answers a first line that is none of HTTP/1, since it may be meant for the preface (RFC 9113 §3.4). */
const isSettingsFrame = (text: string): boolean => text.startsWith("\0\0") && text.startsWith("\u0004\0\0\0\0\0", 3)

/**
 * One request behind what the server wants in front of everything else. On a machine that has other work, the second may
 * have passed that the server has for it before this process comes to send it; only then it is given up rightly.
 */
const askSane = (port: number, front: string) =>
  Effect.suspend(() => {
    const begun = performance.now()
    const conversation = talk(port, [`${front}${requestText("/sane", "Connection: close\r\n")}`], "wait")
    return Effect.map(conversation, (text) => ({ text, took: performance.now() - begun }))
  }).pipe(
    Effect.repeat({
      while: ({ text, took }) => took > 900 && (text === "" || text.startsWith("HTTP/1.1 408 ")),
      times: 5
    }),
    Effect.map(({ text }) => assert.match(text, /^HTTP\/1\.1 200 .*\r\n\r\ndone$/s))
  )

interface Setting {
  readonly more?: ReadonlyArray<string>
  /** What a sane client sends in front of its requests. */
  readonly front?: string
}

/** Talks to a server in so many ways that the seed determines; it must not lose its mind over any of them. */
const fuzz = (makeText: (random: Random) => string, count: number, { front = "", more = [] }: Setting = {}) =>
  Effect.gen(function* () {
    yield* tell(`fuzz with seed ${seed}`)
    const random = new Random(seed)
    const conversations = Array.from({ length: count }, () => ({
      pieces: split(random, makeText(random)),
      ending: random.of(["end", "reset", "wait"] as const)
    }))
    const server = yield* serve("capricious", [...flags, ...more])
    const isRunning = Effect.map(server.hasEnded, (hasEnded) => !hasEnded)
    yield* askSane(server.port, front)
    const idle = yield* idleDescriptors(server.pid)
    const answers = yield* Effect.forEach(conversations, ({ ending, pieces }) => talk(server.port, pieces, ending), {
      concurrency: 200
    })
    assert.isTrue(yield* isRunning, server.output())
    const answered = answers.filter((text) => text !== "")
    for (const text of answered) if (!isSettingsFrame(text)) assert.match(text, /^HTTP\/1\.1 [1-5]\d\d /)
    const accepted = answered.filter((text) => /^HTTP\/1\.1 200 /m.test(text)).length
    yield* tell(`${answered.length} of ${count} answered, ${accepted} with 200`)
    assert.isAbove(answered.length, count / 20)
    yield* until(
      "all connections are gone",
      Effect.map(descriptors(server.pid), (now) => now === idle)
    )
    yield* askSane(server.port, front)
    assert.notMatch(server.output(), /the server failed|listener|TypeError|RangeError/)
    yield* server.signal("SIGTERM")
    assert.deepStrictEqual(yield* server.result, { code: 0, signal: null }, server.output())
  }).pipe(Effect.onError(() => tell(`the fuzz test failed; repeat it with PAGI_TEST_SEED=${seed}`)))

/** A header of version 2, one character for each byte: command and family, and what follows the length. */
const versionTwo = (kind: string, block: string): string =>
  `\r\n\r\n\0\r\nQUIT\n${kind}${String.fromCharCode(block.length >> 8, block.length & 255)}${block}`

const ipv4 = "\xc0\0\x02\x07\xc6\x33\x64\x01\x01\x02\x01\xbb"

/** Headers of both versions, of every kind. */
const proxyHeaders = [
  "PROXY TCP4 192.0.2.7 198.51.100.1 258 443\r\n",
  "PROXY TCP6 2001:db8::7 ::1 258 443\r\n",
  "PROXY UNKNOWN\r\n",
  versionTwo("\x21\x11", ipv4),
  versionTwo("\x21\x11", `${ipv4}\x01\0\x02h2\x02\0\x04test\x20\0\x05\x01\0\0\0\0`),
  versionTwo("\x21\x21", "\0".repeat(36)),
  versionTwo("\x21\x31", "/a".padEnd(108, "\0").repeat(2)),
  versionTwo("\x20\0", "")
] as const

describe.skipIf(!isMeasurable)("nonsense over real connections", () => {
  it.live("2,000 random byte streams", () => fuzz((random) => random.bytes(200), 2000))

  it.live("2,000 mutations of valid requests", () =>
    fuzz((random) => {
      let text = validRequest(random) + (random.below(2) === 0 ? validRequest(random) : "")
      for (let count = 1 + random.below(3); count > 0; count--) text = mutate(random, text)
      return text
    }, 2000)
  )

  it.live("2,000 mutations of headers of the PROXY protocol, with requests behind them", () =>
    fuzz(
      (random) => {
        let header: string = random.of(proxyHeaders)
        for (let count = random.below(3); count > 0; count--) header = mutate(random, header)
        if (random.below(20) === 0) header += random.of(proxyHeaders)
        return header + (random.below(4) === 0 ? random.bytes(200) : validRequest(random))
      },
      2000,
      { more: ["--proxy-protocol", "--trusted-proxies", "127.0.0.1"], front: proxyHeaders[0] }
    )
  )
})

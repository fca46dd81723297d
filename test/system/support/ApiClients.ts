/** Clients of the application in `fixtures/httpApi.ts`, over every version of HTTP, who keep account of each request. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as http from "node:http"
import * as http2 from "node:http2"
import * as https from "node:https"
import { connect as connectTcp, type Socket } from "node:net"
import type { Duplex } from "node:stream"
import { connect as connectTls, TLSSocket } from "node:tls"
import { until } from "./Until.ts"

/** Where a server listens. */
export type Target =
  | { readonly port: number; readonly ca?: string }
  | { readonly path: string; readonly ca?: undefined }

/** What is sent, and to where. */
interface Asked {
  readonly path: string
  readonly content: string
}

interface Answer {
  readonly status: number | undefined
  readonly content: string
}

/** Makes a request; fails when it is not answered to the end. */
type Ask = (asked: Asked) => Promise<Answer>

/** What became of the requests of one way to the server. */
export class Account {
  readonly name: string
  readonly failures: Array<string> = []
  /** The processes that have answered. */
  readonly processes = new Set<number>()
  /** The serial numbers of the certificates that connections were made with. */
  readonly certificates = new Set<string>()
  count = 0
  /** Milliseconds that the slowest answer took. */
  slowest = 0

  constructor(name: string) {
    this.name = name
  }

  /** Notes the certificate of a connection that has been made. */
  readonly note = (socket: unknown): void => {
    if (!(socket instanceof TLSSocket)) return
    const serial = socket.getPeerX509Certificate()?.serialNumber
    if (serial !== undefined) this.certificates.add(serial)
  }
}

const contentOf = async (incoming: AsyncIterable<Buffer>): Promise<string> => {
  const pieces: Array<Buffer> = []
  for await (const piece of incoming) pieces.push(piece)
  return Buffer.concat(pieces).toString()
}

const headers = { "content-type": "application/json" }

/** Over HTTP/1.1, one request at a time on each of up to `connections`, or on a new connection each. */
const overHttp1 = (target: Target, account: Account, connections: number) => {
  const isTls = target.ca !== undefined
  const keeping = connections === 0 ? { keepAlive: false } : { keepAlive: true, maxSockets: connections }
  // Sessions are not resumed, so that each connection shows a certificate.
  const agent = isTls ? new https.Agent({ ...keeping, maxCachedSessions: 0 }) : new http.Agent(keeping)
  const where = "path" in target ? { socketPath: target.path } : { host: "127.0.0.1", port: target.port }
  const trust = isTls ? { ca: target.ca, servername: "localhost" } : {}
  const ask: Ask = ({ content, path }) =>
    new Promise((resolve, reject) => {
      const request = (isTls ? https : http).request(
        { ...where, ...trust, agent, path, method: "POST", headers: { ...headers, host: "localhost" } },
        (response) => {
          account.note(response.socket)
          contentOf(response).then((text) => resolve({ status: response.statusCode, content: text }), reject)
        }
      )
      request.on("error", reject)
      request.end(content)
    })
  return { ask, close: () => agent.destroy() }
}

const openFor = (target: Target): Socket =>
  "path" in target
    ? connectTcp(target.path)
    : target.ca === undefined
      ? connectTcp(target.port, "127.0.0.1")
      : connectTls({ port: target.port, ca: target.ca, servername: "localhost", ALPNProtocols: ["h2"] })

/** Requests of a session, after which the client goes on with another one. */
const perSession = 50

/** Over HTTP/2, on one session after the other; one that the server gives up gets no further request. */
const overHttp2 = (target: Target, account: Account) => {
  let current: http2.ClientHttp2Session | undefined
  let left = 0
  const session = (): http2.ClientHttp2Session => {
    if (current !== undefined && !current.closed && !current.destroyed && left-- > 0) return current
    current?.close()
    left = perSession - 1
    const origin = target.ca === undefined ? "http://localhost" : "https://localhost"
    current = http2.connect(origin, { createConnection: (): Duplex => openFor(target) })
    current.on("connect", (_, socket) => account.note(socket))
    current.on("error", () => {}) // Each of its requests has the same one.
    return current
  }
  const ask: Ask = ({ content, path }) =>
    new Promise((resolve, reject) => {
      const stream = session().request({ ...headers, ":method": "POST", ":path": path })
      let status: number | undefined
      stream.on("response", (fields) => (status = fields[":status"]))
      // What was still to be sent when the server gave the session up has not been: it goes over another one.
      stream.on("frameError", () => resolve(ask({ content, path })))
      stream.on("error", reject)
      stream.end(content)
      contentOf(stream).then((text) => resolve({ status, content: text }), reject)
    })
  return { ask, close: () => current?.destroy() }
}

const isReceipt = (value: unknown): value is Readonly<Record<string, unknown>> & { readonly pid: number } =>
  typeof value === "object" && value !== null && "pid" in value && typeof value.pid === "number"

let lastId = 0

/** Makes one request, and holds its answer against what it has to be. */
const askOnce = async (ask: Ask, account: Account): Promise<void> => {
  const id = ++lastId
  const items = [`first of ${id}`, `ünd`, "x".repeat(id % 5000)]
  const begun = performance.now()
  account.count += 1
  try {
    const path = id % 10 === 0 ? "/orders/slow" : "/orders"
    const { content, status } = await ask({ path, content: JSON.stringify({ id, items }) })
    assert.strictEqual(status, 200, content)
    const receipt: unknown = JSON.parse(content)
    if (!isReceipt(receipt)) assert.fail(content)
    assert.deepStrictEqual(receipt, { id, items: items.toReversed(), pid: receipt.pid })
    account.processes.add(receipt.pid)
  } catch (error) {
    account.failures.push(`request ${id} over ${account.name}: ${String(error)}`)
  }
  account.slowest = Math.max(account.slowest, performance.now() - begun)
}

/** What the clients of a server have in common. */
export interface Clients {
  readonly accounts: ReadonlyArray<Account>
  /** Waits until each way has been answered by one of these processes. */
  readonly answeredBy: (processes: ReadonlyArray<number>) => Effect.Effect<void>
  /** Lets the requests under way finish, and yields what became of all. */
  readonly end: Effect.Effect<ReadonlyArray<Account>>
}

/** A moment between two requests; what has come meanwhile, a connection's end for instance, is taken up in it. */
const pause = () => new Promise((resolve) => setTimeout(() => setImmediate(resolve), 2))

/** Has clients make requests one after the other from now on: over new connections, kept ones, and several at once. */
export const start = (targets: Readonly<Record<string, Target>>): Effect.Effect<Clients, never, Scope.Scope> =>
  Effect.gen(function* () {
    const accounts: Array<Account> = []
    const running: Array<Promise<void>> = []
    const stop = new AbortController()
    const begin = (name: string, loops: number, open: (account: Account) => { ask: Ask; close: () => void }) => {
      const account = new Account(name)
      accounts.push(account)
      const { ask, close } = open(account)
      const loop = async () => {
        while (!stop.signal.aborted) {
          await askOnce(ask, account)
          await pause()
        }
      }
      running.push(...Array.from({ length: loops }, loop))
      return close
    }
    for (const [name, target] of Object.entries(targets)) {
      for (const close of [
        begin(`HTTP/1.1, ${name}, new connections`, 4, (account) => overHttp1(target, account, 0)),
        begin(`HTTP/1.1, ${name}, kept connections`, 4, (account) => overHttp1(target, account, 4)),
        begin(`HTTP/2, ${name}`, 6, (account) => overHttp2(target, account))
      ]) {
        yield* Effect.addFinalizer(() => Effect.sync(close))
      }
    }
    yield* Effect.addFinalizer(() => Effect.sync(() => stop.abort()))
    const answeredBy = (processes: ReadonlyArray<number>) =>
      until(
        "one of the processes answers over each way",
        Effect.sync(() => accounts.every((account) => processes.some((pid) => account.processes.has(pid))))
      )
    const end = Effect.promise(async () => {
      stop.abort()
      await Promise.all(running)
      return accounts
    })
    return { accounts, answeredBy, end }
  })

/** Clients of proxies: by TLS, in HTTP/1.1, HTTP/2 and WebSockets, from an address that is not the proxies' own. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2"
import { type Agent, request } from "node:https"
import { connect as connectTls } from "node:tls"
import { WebSocket } from "ws"
import { certificates } from "../../support/Certificates.ts"
import { until } from "./Until.ts"

/** Where clients are: another address of the same machine, which is no trusted proxy's. */
export const clientAddress = "127.0.0.2"

/** What clients send to be taken for somebody else. */
export const forged: Readonly<Record<string, string>> = {
  "x-forwarded-for": "6.6.6.6",
  "x-forwarded-proto": "gopher, http",
  "x-forwarded-host": "evil.example",
  "x-forwarded-port": "666",
  "x-forwarded-prefix": "/evil",
  x_forwarded_for: "6.6.6.6",
  "x-real-ip": "6.6.6.6",
  forwarded: 'for="[6666::6]";proto=http;host=evil.example'
}

/** What the application of `fixtures/proxied.ts` says. */
export const Seen = Schema.fromJsonString(
  Schema.Struct({
    client: Schema.NullOr(Schema.String),
    scheme: Schema.String,
    host: Schema.NullOr(Schema.String),
    rootPath: Schema.String,
    httpVersion: Schema.String,
    pid: Schema.Int
  })
)

export interface Answer {
  readonly status: number
  readonly body: string
}

export interface Asked {
  readonly headers?: Readonly<Record<string, string>>
  readonly method?: string
  /** Keeps connections open; without it each request has one of its own. */
  readonly agent?: Agent
  /** Whether what has come is enough, though the answer has not ended. */
  readonly isEnough?: (body: string) => boolean
}

const authority = Effect.map(Effect.promise(certificates), (all) => all.authority.cert)

/** Asks in HTTP/1.1. */
export const askHttp1 = (
  port: number,
  path: string,
  { agent, headers = {}, isEnough, method = "GET" }: Asked = {}
): Effect.Effect<Answer, Error> =>
  Effect.flatMap(authority, (ca) =>
    Effect.callback<Answer, Error>((resume) => {
      const fail = (error: Error) => resume(Effect.fail(error))
      const target = { host: "127.0.0.1", port, path, servername: "localhost", ca, localAddress: clientAddress }
      const sent = request(
        { ...target, method, agent: agent ?? false, headers: { host: `localhost:${port}`, ...headers } },
        (response) => {
          let body = ""
          const succeed = () => resume(Effect.succeed({ status: response.statusCode ?? 0, body }))
          response.setEncoding("utf8").on("data", (piece: string) => {
            body += piece
            if (isEnough?.(body) === true) {
              succeed()
              response.destroy()
            }
          })
          response.on("end", succeed)
          response.on("error", fail)
          response.on("aborted", () => fail(new Error(`broken off after ${body.length} bytes`)))
        }
      )
      sent.on("error", fail)
      sent.end(method === "POST" ? "body" : undefined)
      return Effect.sync(() => sent.destroy())
    })
  )

/** A connection in HTTP/2; closed with the scope. */
export const openHttp2 = (port: number): Effect.Effect<ClientHttp2Session, Error, Scope.Scope> =>
  Effect.flatMap(authority, (ca) =>
    Effect.acquireRelease(
      Effect.callback<ClientHttp2Session, Error>((resume) => {
        const target = { host: "127.0.0.1", port, servername: "localhost", ca, localAddress: clientAddress }
        const session = connectHttp2(`https://localhost:${port}`, {
          createConnection: () => connectTls({ ...target, ALPNProtocols: ["h2"] })
        })
        session.once("connect", () => resume(Effect.succeed(session)))
        session.on("error", (error) => resume(Effect.fail(error)))
      }),
      (session) => Effect.sync(() => session.destroy())
    )
  )

/** Asks on a connection in HTTP/2. */
export const askOn = (
  session: ClientHttp2Session,
  path: string,
  { headers = {}, isEnough, method = "GET" }: Omit<Asked, "agent"> = {}
): Effect.Effect<Answer, Error> =>
  Effect.callback((resume) => {
    const fail = (error: Error) => resume(Effect.fail(error))
    if (session.closed || session.destroyed) return fail(new Error("the session is closed"))
    const stream = session.request({ ...headers, ":path": path, ":method": method })
    let status = 0
    let body = ""
    const succeed = () => resume(Effect.succeed({ status, body }))
    stream.on("response", (response) => {
      status = response[":status"] ?? 0
    })
    stream.setEncoding("utf8").on("data", (piece: string) => {
      body += piece
      if (isEnough?.(body) === true) {
        succeed()
        stream.close()
      }
    })
    stream.on("end", () => (status === 0 ? fail(new Error("no answer")) : succeed()))
    stream.on("error", fail)
    stream.end(method === "POST" ? "body" : undefined)
  })

/** Asks in HTTP/2, on a connection of its own. */
export const askHttp2 = (port: number, path: string, asked: Omit<Asked, "agent"> = {}): Effect.Effect<Answer, Error> =>
  Effect.scoped(Effect.flatMap(openHttp2(port), (session) => askOn(session, path, asked)))

/** A WebSocket, and the messages that have come over it; cut off with the scope. */
export const openWebSocket = (port: number, headers: Readonly<Record<string, string>> = {}) =>
  Effect.gen(function* () {
    const ca = yield* authority
    const messages: Array<string> = []
    let problem: Error | undefined = undefined
    const socket = yield* Effect.acquireRelease(
      Effect.sync(() => {
        const target = { servername: "localhost", ca, localAddress: clientAddress }
        const opened = new WebSocket(`wss://127.0.0.1:${port}/`, {
          ...target,
          headers: { host: `localhost:${port}`, ...headers }
        })
        opened.on("error", (error) => {
          problem = error
        })
        opened.on("message", (data: Buffer) => messages.push(data.toString()))
        return opened
      }),
      (opened) => Effect.sync(() => opened.terminate())
    )
    const receives = (count: number) =>
      until(
        `${count} messages have come`,
        Effect.suspend(() => (problem === undefined ? Effect.succeed(messages.length >= count) : Effect.die(problem)))
      )
    return { socket, messages, receives }
  })

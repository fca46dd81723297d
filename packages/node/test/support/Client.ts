import * as Effect from "effect/Effect"
import type * as EffectScope from "effect/Scope"
import { connect, type NetConnectOpts, type Socket } from "node:net"
import { until } from "./Until.ts"

/** The other end of a connection: what it has received, and how it ended. */
export class Client {
  readonly socket: Socket
  /** Everything received, as it came from the system: one element for each read. */
  readonly pieces: Array<Buffer> = []
  received = 0
  hasEnded = false
  hasClosed = false
  errorCode: string | undefined = undefined

  constructor(socket: Socket) {
    this.socket = socket
    socket.on("data", (bytes: Buffer) => {
      this.pieces.push(bytes)
      this.received += bytes.length
    })
    socket.on("end", () => {
      this.hasEnded = true
    })
    socket.on("error", (error: NodeJS.ErrnoException) => {
      this.errorCode = error.code
    })
    socket.on("close", () => {
      this.hasClosed = true
    })
  }

  get bytes(): Buffer {
    return Buffer.concat(this.pieces)
  }

  get text(): string {
    return this.bytes.toString("latin1")
  }

  send(data: string | Uint8Array): void {
    this.socket.write(data)
  }

  get(path = "/", headers = ""): void {
    this.send(requestText(path, headers))
  }

  /** Waits until the received text ends as given. */
  readonly endsWith = (end: string): Effect.Effect<void> =>
    until(`the client receives ${JSON.stringify(end)}`, () => this.#tail(end.length).endsWith(end))

  /** At least the last `length` bytes, without looking at all the others. */
  #tail(length: number): string {
    let tail = ""
    for (let index = this.pieces.length - 1; index >= 0 && tail.length < length; index--) {
      tail = (this.pieces[index]?.subarray(-length).toString("latin1") ?? "") + tail
    }
    return tail
  }

  readonly ended: Effect.Effect<void> = until("the server closes its side", () => this.hasEnded)
  readonly closed: Effect.Effect<void> = until("the connection closes", () => this.hasClosed)

  /** The status codes of all responses received, for bodies that hold no status line. */
  get statuses(): ReadonlyArray<number> {
    return [...this.text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]))
  }

  get body(): Buffer {
    const { bytes } = this
    return bytes.subarray(bytes.indexOf("\r\n\r\n") + 4)
  }
}

export const requestText = (path = "/", headers = ""): string => `GET ${path} HTTP/1.1\r\nHost: test\r\n${headers}\r\n`

export interface ConnectOptions {
  readonly host?: string
  /** Whether the client keeps its own side open when the server has closed the other. */
  readonly allowHalfOpen?: boolean
}

/** Connects; fails with the system's code. The connection is destroyed with the scope. */
export const open = (port: number, options: ConnectOptions = {}): Effect.Effect<Client, string, EffectScope.Scope> =>
  openSocket({ host: "127.0.0.1", port, ...options })

/** The same for the path of a Unix socket. */
export const openUnix = (path: string): Effect.Effect<Client, string, EffectScope.Scope> => openSocket({ path })

const openSocket = (options: NetConnectOpts): Effect.Effect<Client, string, EffectScope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<Client, string>((resume) => {
      const socket = connect(options)
      const client = new Client(socket)
      socket.once("connect", () => resume(Effect.succeed(client)))
      socket.once("error", (error: NodeJS.ErrnoException) => resume(Effect.fail(error.code ?? error.message)))
    }),
    (client) => Effect.sync(() => client.socket.destroy())
  )

/** One request on a connection of its own; answers when the server has closed it. */
export const fetchText = (port: number, path = "/"): Effect.Effect<string, string> =>
  Effect.scoped(
    Effect.gen(function* () {
      const client = yield* open(port)
      client.get(path, "Connection: close\r\n")
      yield* client.ended
      return client.text
    })
  )

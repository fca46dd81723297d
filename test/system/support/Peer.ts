import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { connect, type Socket } from "node:net"

/** One end of a connection to a server, that of the client. */
export class Peer {
  readonly socket: Socket
  #text = ""
  #length = 0
  #hasClosed = false
  #onChange: (() => void) | undefined = undefined

  constructor(socket: Socket) {
    this.socket = socket
    socket.on("close", () => {
      this.#hasClosed = true
      this.#onChange?.()
    })
    socket.on("error", () => {}) // The end of the connection is what counts, and `close` tells of it.
  }

  /** Reads what comes; to be called once. A peer that is not told to reads nothing. */
  read(): this {
    this.socket.on("data", (bytes: Buffer) => {
      this.#length += bytes.length
      // What is longer is an endless response, of which nobody looks at the text.
      if (this.#text.length < 100_000) this.#text += bytes.toString("latin1")
      this.#onChange?.()
    })
    this.socket.resume()
    return this
  }

  get received(): number {
    return this.#length
  }

  /** What was received and has not been taken as a response yet. */
  get text(): string {
    return this.#text
  }

  get hasClosed(): boolean {
    return this.#hasClosed
  }

  send(text: string): void {
    this.socket.write(text, "latin1")
  }

  /** The next response, which must have a content-length; `undefined` if the connection closes without a whole one. */
  readonly response: Effect.Effect<string | undefined> = this.#when(() => this.#takeResponse())

  readonly closed: Effect.Effect<void> = Effect.asVoid(this.#when(() => undefined))

  #takeResponse(): string | undefined {
    const bodyStart = this.#text.indexOf("\r\n\r\n") + 4
    const length = /^content-length: (\d+)\r$/m.exec(this.#text)?.[1]
    if (bodyStart < 4 || length === undefined || this.#text.length < bodyStart + Number(length)) return undefined
    const response = this.#text.slice(0, bodyStart + Number(length))
    this.#text = this.#text.slice(response.length)
    return response
  }

  /** Waits until there is something to take, or the connection has closed. */
  #when(take: () => string | undefined): Effect.Effect<string | undefined> {
    return Effect.callback((resume) => {
      const look = (): void => {
        const taken = take()
        if (taken === undefined && !this.#hasClosed) return
        this.#onChange = undefined
        resume(Effect.succeed(taken))
      }
      this.#onChange = look
      look()
      return Effect.sync(() => {
        this.#onChange = undefined
      })
    })
  }
}

/** Connects; the connection is destroyed with the scope. */
export const open = (port: number): Effect.Effect<Peer, Error, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<Peer, Error>((resume) => {
      const socket = connect({ host: "127.0.0.1", port }).pause()
      const peer = new Peer(socket)
      socket.once("connect", () => resume(Effect.succeed(peer)))
      socket.once("error", (error) => resume(Effect.fail(error)))
      return Effect.sync(() => socket.destroy())
    }),
    ({ socket }) => Effect.sync(() => socket.destroy())
  )

export const requestText = (path: string, headers = ""): string =>
  `GET ${path} HTTP/1.1\r\nHost: test\r\n${headers}\r\n`

/** One request on a connection of its own. */
export const fetchText = (port: number, path: string): Effect.Effect<string, Error> =>
  Effect.scoped(
    Effect.gen(function* () {
      const peer = (yield* open(port)).read()
      peer.send(requestText(path, "Connection: close\r\n"))
      const response = yield* peer.response
      return response ?? (yield* Effect.fail(new Error(`no response for ${path}`)))
    })
  )

export const bodyOf = (response: string): string => response.slice(response.indexOf("\r\n\r\n") + 4)

/**
 * Puts a script behind the content of a page as it is sent. Every piece goes on as it comes.
 *
 *     head ──of a page──► page ──last piece, with the script──► passing
 *       └──of anything else──► passing
 */
import type { HttpSendEvent } from "@pagi/core/contract/Event"
import type { FileHandle } from "@pagi/core/contract/FileSource"
import type { Send } from "@pagi/core/contract/PagiApp"
import type { SendError } from "@pagi/core/contract/SendError"
import * as Effect from "effect/Effect"
import { closeSync, openSync, readSync, statSync } from "node:fs"
import * as PageHead from "./PageHead.ts"

type Start = Extract<HttpSendEvent, { readonly type: "http.response.start" }>
type Body = Extract<HttpSendEvent, { readonly type: "http.response.body" }>
type FileBody = Extract<Body, { readonly file: string } | { readonly fh: unknown }>

/** Bytes of a file that are read at a time. */
const pieceSize = 65_536

const isFile = (event: Body): event is FileBody => "file" in event || "fh" in event

const joined = (content: string | Uint8Array, script: string): string | Uint8Array =>
  typeof content === "string" ? content + script : Buffer.concat([content, Buffer.from(script)])

/** The pieces of a file, each new memory. They are read at once: the head of a response is taken back in the same turn alone. */
function* piecesOf(descriptor: number, offset: number, length: number): Pieces {
  for (let position = offset, left = length; left > 0;) {
    const piece = Buffer.allocUnsafe(Math.min(pieceSize, left))
    const count = readSync(descriptor, piece, 0, piece.length, position)
    if (count === 0) return undefined
    yield piece.subarray(0, count)
    position += count
    left -= count
  }
  return undefined
}

/** Nothing for what is no file, the opening of which may wait for somebody. */
const opened = (file: string): number | undefined => {
  try {
    return statSync(file).isFile() ? openSync(file, "r") : undefined
  } catch {
    return undefined
  }
}

type Pieces = Generator<Uint8Array, undefined>

/** Nothing for what cannot be read. */
const firstOf = (pieces: Pieces): IteratorResult<Uint8Array, undefined> | undefined => {
  try {
    return pieces.next()
  } catch {
    return undefined
  }
}

const descriptorOf = (handle: FileHandle): number => (typeof handle === "number" ? handle : handle.fd)

/** One response. */
export class ScriptInsertion {
  readonly #send: Send<HttpSendEvent>
  readonly #element: (nonce: string | undefined) => string
  readonly #isHead: boolean
  /** Of a page whose end is still to come. */
  #script: string | undefined = undefined

  /** @param isHead whether the method is HEAD, whose response tells of the length alone */
  constructor(send: Send<HttpSendEvent>, element: (nonce: string | undefined) => string, isHead: boolean) {
    this.#send = send
    this.#element = element
    this.#isHead = isHead
  }

  /** In place of the exchange's own `send`. */
  readonly send: Send<HttpSendEvent> = (event) => {
    if (event.type === "http.response.start") return this.#start(event)
    const script = this.#script
    if (event.type !== "http.response.body" || script === undefined) return this.#send(event)
    if (isFile(event)) return this.#sendFile(event, script)
    if (event.more === true) return this.#send(event)
    this.#script = undefined
    return this.#send({ ...event, body: joined(event.body ?? "", script) })
  }

  #start(event: Start): Effect.Effect<void, SendError> {
    const headers = event.headers ?? []
    this.#script = undefined
    if (!PageHead.isPage(event.status, headers)) return this.#send(event)
    const changed = PageHead.change(headers, this.#element)
    this.#script = changed.script
    return this.#send({ ...event, headers: changed.headers })
  }

  /** What cannot be read is left to the server to tell. */
  #sendFile(event: FileBody, script: string): Effect.Effect<void, SendError> {
    if (!("file" in event)) return this.#sendPieces(descriptorOf(event.fh as FileHandle), event, script) // As the guard sees to.
    return Effect.acquireUseRelease(
      Effect.sync(() => opened(event.file)),
      (descriptor) => (descriptor === undefined ? this.#pass(event) : this.#sendPieces(descriptor, event, script)),
      (descriptor) =>
        Effect.sync(() => {
          if (descriptor !== undefined) closeSync(descriptor)
        })
    )
  }

  #pass(event: HttpSendEvent): Effect.Effect<void, SendError> {
    this.#script = undefined
    return this.#send(event)
  }

  #sendPieces(descriptor: number, event: FileBody, script: string): Effect.Effect<void, SendError> {
    const { length = Number.POSITIVE_INFINITY, offset = 0 } = event
    const pieces = piecesOf(descriptor, offset, length)
    return Effect.gen({ self: this }, function* () {
      const first = firstOf(pieces)
      if (first === undefined) return yield* this.#pass(event)
      // For HEAD the server tells the length of what is sent at once.
      const all: Array<Uint8Array> = []
      for (let next = first; next.done !== true; next = pieces.next()) {
        if (this.#isHead) all.push(next.value)
        else yield* this.#send({ type: "http.response.body", body: next.value, more: true })
      }
      this.#script = undefined
      yield* this.#send({ type: "http.response.body", body: joined(Buffer.concat(all), script) })
    })
  }
}

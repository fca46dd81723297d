/**
 * A response on its way from the application to the server, which compresses its content if it should be: the order of
 * what happens to it as a table.
 */
import type { HttpSendEvent } from "@pagi/core/contract/Event"
import type { FileBody, FilePart, FileSource } from "@pagi/core/contract/FileSource"
import type { Send } from "@pagi/core/contract/PagiApp"
import type { HttpScope } from "@pagi/core/contract/Scope"
import { refused, type SendError } from "@pagi/core/contract/SendError"
import { checkHttp } from "@pagi/core/exchange/EventGuard"
import { brokenOff } from "@pagi/core/exchange/ResponseSink"
import type { HeaderBlock } from "@pagi/core/http/HeaderBlock"
import { checkField } from "@pagi/core/http/ResponseField"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import type { Coding } from "../static/ContentCoding.ts"
import type { Coder, Kind } from "./Coder.ts"
import * as CodingRule from "./CodingRule.ts"

type StartEvent = HttpSendEvent & { readonly type: "http.response.start" }
type BodyEvent = HttpSendEvent & { readonly type: "http.response.body" }
type Sent = Effect.Effect<void, SendError>

/** What is to be known beside the response itself. */
export interface CodingContext {
  /** The fewest bytes that are worth it. */
  readonly minSize: number
  readonly files: FileSource
  /** What the client takes and the server has, best first. */
  readonly codingOf: (headers: HeaderBlock) => Coding | undefined
  /** A coder; none when there are too many already. */
  readonly makeCoder: (coding: Coding) => Coder | undefined
  /** Runs a flush. */
  readonly fork: (effect: Effect.Effect<void>) => unknown
}

/**
 * How far the response has come.
 *
 *     open ─start─┬─(not to be compressed)───────────────────────────► passing
 *                 └─(may be)─► held ─┬─ whole body, and a small one ───► passing
 *                                    ├─ HEAD ──────────────────────────► passing
 *                                    └─ body, flush or pause ─► coding ─ last body ─► passing
 *
 * - `open`: nothing of the final response was sent.
 * - `held`: the start is kept back, since what its fields say depends on what follows.
 * - `coding`: pieces of the body go through the coder. What stays in it is flushed at the end of the turn in which the
 *   application has sent the last one, so that nobody waits for more of it.
 * - `passing`: everything goes on as it comes. So it does once the peer has left.
 * - `broken`: a piece was cut off on its way, or does not have the length that was declared. Nothing can be sent any more,
 *   and the server breaks the response off when the application ends.
 */
type Phase = "open" | "held" | "coding" | "passing" | "broken"

/** Bytes that a coder is given at a time; so much is in the memory of a response besides, at most twice. */
const sliceSize = 65_536

const bodyType = "http.response.body"
const nothing = new Uint8Array(0)
const done: Sent = Effect.void

const isSound = (headers: HeaderBlock): boolean =>
  headers.every(([name, value]) => typeof checkField(name, value) !== "string")

const filePart = (event: BodyEvent): FilePart | undefined => {
  if ("file" in event) return { file: event.file, offset: event.offset ?? 0, length: event.length }
  if ("fh" in event) return { file: event.fh, offset: event.offset ?? 0, length: event.length }
  return undefined
}

const bytesOf = (body: string | Uint8Array | undefined): Uint8Array =>
  typeof body === "string" ? Buffer.from(body) : (body ?? nothing)

/** What is kept back, and what the content would be compressed by. */
interface Held {
  readonly start: StartEvent
  readonly coding: Coding
}

/** The start of a response with compressed content. */
const codedStart = ({ coding, start }: Held): StartEvent => ({
  ...start,
  headers: CodingRule.codedFields(start.headers ?? [], coding)
})

/** One response. */
export class CodedResponse {
  readonly #scope: HttpScope
  readonly #send: Send<HttpSendEvent>
  readonly #context: CodingContext
  /** Events take their turns, those of the application and flushes. */
  readonly #turns = Semaphore.makeUnsafe(1)
  #phase: Phase = "open"
  /** As long as it is not known whether the content is compressed. */
  #held: Held | undefined = undefined
  /** That of compressed content, as long as it has not been sent. */
  #start: StartEvent | undefined = undefined
  #coder: Coder | undefined = undefined
  /** Bytes of the body that are still to come, if a length was declared. */
  #remaining: number | undefined = undefined
  /** Whether a part of the piece that was sent is not in the coder yet. */
  #isMidway = false
  /** Whether the coder may have something that was not flushed. */
  #isUnflushed = false
  #immediate: NodeJS.Immediate | undefined = undefined

  constructor(scope: HttpScope, send: Send<HttpSendEvent>, context: CodingContext) {
    this.#scope = scope
    this.#send = send
    this.#context = context
  }

  /** The application's `send`. */
  readonly send: Send<HttpSendEvent> = (event) =>
    Effect.suspend(() =>
      this.#phase === "passing" ? this.#send(event) : this.#turns.withPermit(Effect.suspend(() => this.#perform(event)))
    )

  /** The application has ended well: a start that was kept back goes out, with which a response to HEAD is complete. */
  readonly finish: Sent = Effect.suspend(() =>
    this.#held === undefined ? done : this.#turns.withPermit(Effect.suspend(() => this.#commit()))
  )

  /** The application has ended, or its peer has left. */
  close(): void {
    this.#leave(this.#phase === "broken" ? "broken" : "passing")
  }

  #leave(phase: "passing" | "broken"): void {
    this.#phase = phase
    clearImmediate(this.#immediate)
    this.#isUnflushed = false
    this.#held = undefined
    this.#start = undefined
    this.#coder?.close()
    this.#coder = undefined
  }

  #perform(event: HttpSendEvent): Sent {
    // What is not sound fails there, as it would anyway.
    if (this.#phase === "passing" || checkHttp(event) !== undefined) return this.#send(event)
    if (this.#phase === "broken") return Effect.fail(refused(event.type, "the response was broken off"))
    if (this.#phase === "open") return event.type === "http.response.start" ? this.#onStart(event) : this.#send(event)
    if (event.type === bodyType) return this.#whenLasting(this.#onBody(event))
    const before = event.type === "http.fullflush" ? this.#flush() : this.#commit()
    return Effect.andThen(before, this.#send(event))
  }

  #onStart(event: StartEvent): Sent {
    const { headers = [], status } = event
    const length = CodingRule.declaredLength(headers)
    const isLong = length === undefined || (length !== "invalid" && length >= this.#context.minSize)
    if (status === 304) {
      return this.#pass({ ...event, headers: CodingRule.notModifiedFields(headers, this.#scope.headers) })
    }
    if (!isLong || !CodingRule.isCandidate(status, headers) || !isSound(headers)) return this.#pass(event)
    const coding = this.#context.codingOf(this.#scope.headers)
    if (coding === undefined) return this.#pass(event, true)
    this.#phase = "held"
    this.#held = { start: event, coding }
    this.#remaining = length
    this.#scope.connection.onDisconnect(() => this.close())
    this.#flushSoon()
    return done
  }

  /** Sends the start as it is, and all that follows; it may say that other clients would get something else. */
  #pass(start: StartEvent, varies = false): Sent {
    this.#phase = "passing"
    this.#held = undefined
    return this.#send(varies ? { ...start, headers: CodingRule.withVary(start.headers ?? []) } : start)
  }

  /** The start goes out before there is anything of the body: nobody knows how long that is going to be. */
  #commit(): Sent {
    const held = this.#held
    if (held === undefined) return this.#sendStart
    // Of a length that was not declared HEAD tells nothing, so it is not known either what GET would answer.
    if (this.#isHead) return this.#remaining === undefined ? this.#pass(held.start, true) : this.#answerHead(held)
    return this.#begin(held) ? this.#sendStart : this.#pass(held.start, true)
  }

  get #isHead(): boolean {
    return this.#scope.method === "HEAD"
  }

  /** What GET would answer, without the content; the server would tell its length if it were given any. */
  #answerHead(held: Held): Sent {
    return Effect.andThen(this.#pass(codedStart(held)), this.#send({ type: bodyType, body: nothing, more: true }))
  }

  /** Goes over to compressing; answers whether there is a coder for that. */
  #begin(held: Held): boolean {
    this.#coder = this.#context.makeCoder(held.coding)
    if (this.#coder === undefined) return false
    this.#phase = "coding"
    this.#held = undefined
    this.#start = codedStart(held)
    return true
  }

  /** Sends the start, unless that is done. The first of the body follows at once, whose length it tells if it is all. */
  get #sendStart(): Sent {
    const start = this.#start
    this.#start = undefined
    return start === undefined ? done : this.#send(start)
  }

  #onBody(event: BodyEvent): Sent {
    const part = filePart(event)
    if (part !== undefined) return this.#onFile(event, part)
    const bytes = "body" in event ? bytesOf(event.body) : nothing
    const isLast = event.more !== true
    return this.#prepare(event, isLast ? bytes.length : undefined) ?? this.#code(bytes, isLast)
  }

  /**
   * Begins with the first piece of the body, unless that is done. If it is not to be compressed, answers how it is sent
   * instead.
   *
   * @param length that of the whole body, if this is all of it
   */
  #prepare(event: BodyEvent, length: number | undefined): Sent | undefined {
    const held = this.#held
    if (held === undefined) return undefined
    const declared = this.#remaining
    // The server says what is wrong about a length that is another than was declared.
    const isPlain =
      length !== undefined && (declared === undefined ? length < this.#context.minSize : length !== declared)
    if (!isPlain && this.#isHead) return this.#answerHead(held)
    if (!isPlain && this.#begin(held)) return undefined
    return Effect.andThen(this.#pass(held.start, true), this.#send(event))
  }

  #onFile(event: BodyEvent, part: FilePart): Sent {
    const open = Effect.catch(this.#context.files.open(part), ({ message }) => {
      // As the server does: another response may take its place.
      if (this.#held !== undefined) {
        this.#phase = "open"
        this.#held = undefined
      }
      return Effect.fail(refused(bodyType, message))
    })
    return Effect.acquireUseRelease(
      open,
      (body) => Effect.suspend(() => this.#prepare(event, body.length) ?? this.#codeFile(body)),
      (body) => body.close
    )
  }

  #codeFile(body: FileBody): Sent {
    if (body.whole !== undefined) return this.#code(body.whole, true)
    return Effect.gen({ self: this }, function* () {
      for (let left = body.length; left > 0 && this.#phase === "coding";) {
        this.#isMidway = true
        const piece = yield* Effect.catch(body.read, ({ message }) => this.#break(message))
        if (piece.length === 0) return yield* this.#break("the file became shorter while it was sent")
        left -= piece.length
        yield* this.#code(piece, left === 0)
        body.reclaim(0)
      }
    })
  }

  /** Sends a piece of the body in slices, as far as something comes out of the coder. */
  #code(bytes: Uint8Array, isLast: boolean): Sent {
    this.#isMidway = true
    if (!this.#hasRoom(bytes.length, isLast)) {
      return this.#break("the body has another length than its content-length says")
    }
    return Effect.gen({ self: this }, function* () {
      const last = Math.max(Math.ceil(bytes.length / sliceSize) - 1, isLast ? 0 : -1)
      for (let index = 0; index <= last; index++) {
        const isEnd = isLast && index === last
        yield* this.#run(isEnd ? "end" : "write", bytes.subarray(index * sliceSize, (index + 1) * sliceSize))
        // The peer may have left.
        const coder = this.#coder
        if (coder === undefined) return
        if (isEnd) return yield* this.#end(coder.take())
        if (coder.outputLength >= sliceSize) yield* this.#emit(coder.take())
      }
      this.#isMidway = false
      this.#isUnflushed = true
      this.#flushSoon()
    })
  }

  /** Counts a piece of the body; answers whether its length is as declared. */
  #hasRoom(length: number, isLast: boolean): boolean {
    if (this.#remaining === undefined) return true
    this.#remaining -= length
    return isLast ? this.#remaining === 0 : this.#remaining >= 0
  }

  /** The coder does one thing; what goes wrong with it is told by `send`. */
  #run(kind: Kind, bytes?: Uint8Array): Sent {
    const coder = this.#coder
    return coder === undefined ? done : Effect.catch(coder.run(kind, bytes), ({ message }) => this.#break(message))
  }

  /** Sends a piece of compressed content that is not the last one. */
  #emit(bytes: Uint8Array): Sent {
    const start = this.#sendStart
    return bytes.length === 0 ? start : Effect.andThen(start, this.#send({ type: bodyType, body: bytes, more: true }))
  }

  /** Sends the last piece; only trailers may follow. */
  #end(bytes: Uint8Array): Sent {
    const start = this.#sendStart
    this.#isMidway = false
    this.close()
    return Effect.andThen(start, this.#send({ type: bodyType, body: bytes }))
  }

  /** Nothing good can become of the response any more. */
  #break(problem: string): Effect.Effect<never, SendError> {
    this.#leave("broken")
    return Effect.fail(refused(bodyType, brokenOff(problem)))
  }

  /** An application that is interrupted in the middle of a piece, as by a time limit of its own, cannot go on behind it. */
  #whenLasting(sent: Sent): Sent {
    return Effect.onInterrupt(sent, () =>
      Effect.sync(() => {
        if (this.#isMidway && this.#phase === "coding") this.#leave("broken")
      })
    )
  }

  #flush(): Sent {
    if (this.#held !== undefined) return this.#commit()
    if (this.#phase !== "coding" || !this.#isUnflushed) return done
    this.#isUnflushed = false
    return Effect.andThen(
      this.#run("flush"),
      Effect.suspend(() => (this.#coder === undefined ? done : this.#emit(this.#coder.take())))
    )
  }

  /** Flushes at the end of the turn. That fails only if the next event does, too. */
  #flushSoon(): void {
    this.#immediate ??= setImmediate(() => {
      this.#immediate = undefined
      const flush = Effect.suspend(() => this.#flush())
      this.#context.fork(Effect.ignore(this.#turns.withPermit(flush)))
    })
  }
}

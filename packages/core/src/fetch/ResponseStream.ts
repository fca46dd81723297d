/** Sends a response whose content is a stream, as fast as it comes and the client reads. */
import * as Exit from "effect/Exit"
import type { NativeRequest } from "../contract/NativeHandler.ts"
import type { HttpSendEvent } from "../contract/Event.ts"
import { isFormContent } from "../http/FormContent.ts"
import { get, type HeaderBlock } from "../http/HeaderBlock.ts"
import * as FetchProblem from "./FetchProblem.ts"
import type { Fork } from "./Fork.ts"

/** Is told that the response is complete, or why it cannot be. */
export type Done = (exit: Exit.Exit<void, unknown>) => void

/**
 * Microtasks that a stream is given to end. The stream of content that was all there from the beginning, as the runtime
 * makes one of every text, takes three; then its length is sent, and everything at once.
 */
const patience = 4

interface Reading {
  readonly done: boolean
  readonly value?: unknown
}

/** What is thrown need not be an error. */
export const died = (thrown: unknown): Exit.Exit<never, FetchProblem.FetchProblem> =>
  thrown instanceof Error ? Exit.die(thrown) : Exit.fail(FetchProblem.noReason(thrown))

/** A piece of content; `undefined` when it is none. The runtime's own streams give arrays, those of programs anything. */
const toContent = (value: unknown): string | Uint8Array | undefined => {
  if (value instanceof Uint8Array || typeof value === "string") return value
  if (value instanceof ArrayBuffer) return new Uint8Array(value)
  return ArrayBuffer.isView(value) ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength) : undefined
}

/** One response on its way. */
export class ResponseStream {
  readonly #request: NativeRequest
  readonly #fork: Fork
  readonly #status: number
  readonly #headers: HeaderBlock
  readonly #reader: ReadableStreamDefaultReader<unknown>
  readonly #done: Done
  /** The first piece, until it is sent. */
  #first: string | Uint8Array | undefined = undefined
  #hasStarted = false
  #isOver = false

  constructor(
    request: NativeRequest,
    fork: Fork,
    head: { readonly status: number; readonly headers: HeaderBlock },
    reader: ReadableStreamDefaultReader<unknown>,
    done: Done
  ) {
    this.#request = request
    this.#fork = fork
    this.#status = head.status
    this.#headers = head.headers
    this.#reader = reader
    this.#done = done
  }

  /** With `hasLength` the client is told the length in advance, so the end need not be waited for. */
  begin(hasLength: boolean): void {
    this.#request.onDisconnect(() => this.#end(Exit.void))
    if (this.#isOver) return
    if (hasLength) this.#start(this.#reader.read())
    else this.#probe()
  }

  /** Nobody waits for the response any more. */
  cancel(): void {
    this.#isOver = true
    if (isFormContent(get(this.#headers, "content-type"))) return
    this.#reader.cancel(new DOMException("Nobody reads the response any more.", "AbortError")).catch(() => {})
  }

  /** Ends before the stream does; with a failure the client sees that the response is cut off. */
  #end(exit: Exit.Exit<void, unknown>): void {
    if (this.#isOver) return
    this.cancel()
    this.#done(exit)
  }

  /** The whole response was sent. */
  #complete(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#done(Exit.void)
  }

  /** Reads ahead of the head, to see whether the content is all there. */
  #probe(): void {
    let isSettled = false
    const pending = this.#reader.read()
    pending.then(
      (reading) => {
        isSettled = true
        if (!this.#hasStarted && !this.#isOver) this.#keep(reading)
      },
      (error: unknown) => {
        isSettled = true
        if (!this.#hasStarted) this.#end(died(error))
      }
    )
    const wait = (microtasks: number): void => {
      if (isSettled || this.#isOver) return
      if (microtasks === 0) this.#start(pending)
      else queueMicrotask(() => wait(microtasks - 1))
    }
    wait(patience)
  }

  #keep(reading: Reading): void {
    if (reading.done) return this.#respond()
    if (this.#first !== undefined) return this.#start(Promise.resolve(reading))
    const content = toContent(reading.value)
    if (content === undefined) return this.#end(Exit.fail(FetchProblem.noContent(reading.value)))
    this.#first = content
    this.#probe()
  }

  /** Sends what is all of it. */
  #respond(): void {
    const problem = this.#request.respond(this.#status, this.#headers, this.#first ?? "")
    if (problem === undefined) this.#complete()
    else this.#end(Exit.fail(FetchProblem.refused(problem)))
  }

  /** Sends the head and what has been read, and goes on with what is being read. */
  #start(pending: Promise<Reading>): void {
    this.#hasStarted = true
    const first = this.#first
    this.#send({ type: "http.response.start", status: this.#status, headers: this.#headers }, () => {
      if (first === undefined) this.#pump(pending)
      else this.#send({ type: "http.response.body", body: first, more: true }, () => this.#pump(pending))
    })
  }

  #pump(pending: Promise<Reading>): void {
    pending.then(
      ({ done, value }) => {
        if (this.#isOver) return
        if (done) return this.#send({ type: "http.response.body" }, () => this.#complete())
        const body = toContent(value)
        if (body === undefined) return this.#end(Exit.fail(FetchProblem.noContent(value)))
        this.#send({ type: "http.response.body", body, more: true }, () => this.#pump(this.#reader.read()))
      },
      (error: unknown) => this.#end(died(error))
    )
  }

  /** Goes on when the client is not too far behind. */
  #send(event: HttpSendEvent, next: () => void): void {
    const fiber = this.#fork(this.#request.send(event))
    const goOn = (exit: Exit.Exit<void, unknown>): void => {
      if (this.#isOver) return
      if (Exit.isSuccess(exit)) next()
      else this.#end(exit)
    }
    const exit = fiber.pollUnsafe()
    if (exit === undefined) fiber.addObserver(goOn)
    else goOn(exit)
  }
}

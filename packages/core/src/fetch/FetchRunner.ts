/** Answers requests by a fetch handler. */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type { NativeHandler, NativeRequest } from "../contract/NativeHandler.ts"
import { isFormContent } from "../http/FormContent.ts"
import { get, type HeaderBlock } from "../http/HeaderBlock.ts"
import { isContentless } from "../http/ResponseStatus.ts"
import { RequestInfo, type FetchInfo } from "./FetchInfo.ts"
import * as FetchProblem from "./FetchProblem.ts"
import type { Fork } from "./Fork.ts"
import { LightRequest } from "./LightRequest.ts"
import { LightResponse } from "./LightResponse.ts"
import { requestUrl } from "./RequestUrl.ts"
import { died, type Done, ResponseStream } from "./ResponseStream.ts"

/** Called once for each request. */
export type Handle = (request: Request, info: FetchInfo) => unknown

/** Of a request that was answered on the caller's stack there is nothing to wait for. */
const answered: Fiber.Fiber<void> = Effect.runFork(Effect.void)

const textField: HeaderBlock = [["content-type", "text/plain; charset=utf-8"]]

const isPromise = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === "object" && value !== null && "then" in value && typeof value.then === "function"

/** Also one of another implementation, such as undici's from npm. */
const isResponse = (value: unknown): value is Response =>
  value instanceof Response || Object.prototype.toString.call(value) === "[object Response]"

/** Why a response cannot be sent, as far as that can be seen. */
const problemOf = (response: unknown): FetchProblem.FetchProblem | undefined => {
  if (!isResponse(response)) return FetchProblem.noResponse(response)
  if (response.type === "error") return FetchProblem.networkError()
  return response.bodyUsed || response.body?.locked === true ? FetchProblem.bodyUsed() : undefined
}

/** Lets go of content that nobody will get. */
const discard = (body: ReadableStream, headers: Headers): void => {
  if (isFormContent(headers.get("content-type"))) return
  body.cancel(new DOMException("Nobody gets the content of the response.", "AbortError")).catch(() => {})
}

const orProblem = (problem: string | undefined): Exit.Exit<void, FetchProblem.FetchProblem> =>
  problem === undefined ? Exit.void : Exit.fail(FetchProblem.refused(problem))

/** An answer that is still to come, or to be sent. */
class Answer {
  readonly #request: NativeRequest
  readonly #light: LightRequest
  readonly #info: RequestInfo
  readonly #fork: Fork
  readonly #resume: Done
  #stream: ResponseStream | undefined = undefined
  #isGivenUp = false

  constructor(request: NativeRequest, light: LightRequest, info: RequestInfo, fork: Fork, resume: Done) {
    this.#request = request
    this.#light = light
    this.#info = info
    this.#fork = fork
    this.#resume = resume
  }

  readonly #done: Done = (exit) => {
    RequestInfo.release(this.#info)
    this.#resume(exit)
  }

  /** The server waits no longer. What the handler still does, or answers, is lost. */
  giveUp(): void {
    this.#isGivenUp = true
    RequestInfo.release(this.#info)
    this.#stream?.cancel()
    LightRequest.abort(this.#light)
  }

  await(answer: PromiseLike<unknown>): void {
    answer.then(
      (response) => this.give(response),
      (reason: unknown) => this.#done(died(reason))
    )
  }

  give(response: unknown): void {
    try {
      this.#answer(response)
    } catch (thrown) {
      // A response may be anything, and its properties functions.
      this.#done(died(thrown))
    }
  }

  #answer(response: unknown): void {
    const isLost = this.#isGivenUp || this.#request.disconnectReason !== undefined
    if (LightResponse.isWhole(response)) {
      this.#done(isLost ? Exit.void : orProblem(LightResponse.send(response, this.#request)))
      return
    }
    const problem = problemOf(response)
    if (problem === undefined) this.#send(response as Response, isLost) // Otherwise it would be a problem.
    else this.#done(Exit.fail(problem))
  }

  #send({ body, headers, status }: Response, isLost: boolean): void {
    if (isLost) {
      if (body !== null) discard(body, headers)
      return this.#done(Exit.void)
    }
    const fields: HeaderBlock = [...headers]
    if (body !== null && !isContentless(status, this.#request.method === "HEAD")) {
      const reader: ReadableStreamDefaultReader<unknown> = body.getReader()
      this.#stream = new ResponseStream(this.#request, this.#fork, { status, headers: fields }, reader, this.#done)
      return this.#stream.begin(get(fields, "content-length") !== undefined)
    }
    if (body !== null) discard(body, headers)
    this.#done(orProblem(this.#request.respond(status, fields, "")))
  }
}

/** Runs a fetch handler, once for each request. */
export class FetchRunner {
  readonly #handle: Handle
  /** All requests of a server come with the same services, so what runs Effects with them is made once. */
  #context: Context.Context<never> | undefined = undefined
  #fork: Fork = Effect.runFork
  #hasWarned = false

  constructor(handle: Handle) {
    this.#handle = handle
  }

  #forkWith(context: Context.Context<never>): Fork {
    if (context !== this.#context) {
      this.#context = context
      this.#fork = Effect.runForkWith(context)
    }
    return this.#fork
  }

  readonly native: NativeHandler = (request, context) => {
    const fork = this.#forkWith(context)
    if (get(request.headers, "upgrade")?.toLowerCase() === "websocket") return this.#refuseWebSocket(request, fork)
    const url = requestUrl(request)
    if (url === undefined) return this.#refuse(request, 400, "The request's host and target make no URL.")
    const light = new LightRequest(url, request, fork)
    const info = new RequestInfo(request, fork)
    let answer: unknown
    try {
      answer = this.#handle(light, info)
    } catch (thrown) {
      RequestInfo.release(info)
      return Effect.runFork(died(thrown))
    }
    if (LightResponse.isWhole(answer)) {
      RequestInfo.release(info)
      const problem = LightResponse.send(answer, request)
      return problem === undefined ? answered : Effect.runFork(orProblem(problem))
    }
    return fork(
      Effect.callback<void, unknown>((resume) => {
        const pending = new Answer(request, light, info, fork, resume)
        if (isPromise(answer)) pending.await(answer)
        else pending.give(answer)
        return Effect.sync(() => pending.giveUp())
      })
    )
  }

  #refuse(request: NativeRequest, status: number, message: string): Fiber.Fiber<unknown, unknown> {
    const problem = request.respond(status, textField, `${message}\n`)
    return problem === undefined ? answered : Effect.runFork(orProblem(problem))
  }

  /** Such a handler can answer, but not turn the connection into something else. The first time somebody is told. */
  #refuseWebSocket(request: NativeRequest, fork: Fork): Fiber.Fiber<unknown, unknown> {
    const log = this.#hasWarned ? Effect.logDebug : Effect.logWarning
    this.#hasWarned = true
    fork(
      log(
        `a WebSocket was asked for at ${request.target}, which a fetch handler cannot open; put a handler of the contract beside it: PagiApp.make({ http: PagiApp.fromFetch(app), websocket })`
      )
    )
    return this.#refuse(request, 501, "There are no WebSockets here.")
  }
}

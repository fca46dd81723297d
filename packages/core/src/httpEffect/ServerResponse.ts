/** Sends what a program of Effect's answers. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Cookies from "effect/http/Cookies"
import { HttpServerError, ResponseError } from "effect/http/HttpServerError"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Stream from "effect/Stream"
import type { HeaderBlock } from "../http/HeaderBlock.ts"
import type { SendError } from "../contract/SendError.ts"
import * as RawContent from "./RawContent.ts"
import type { RequestSource } from "./OwnRequest.ts"
import type { ServerRequest } from "./ServerRequest.ts"
import { isTrailed, type TrailedContent } from "./TrailedContent.ts"

type Response = HttpServerResponse.HttpServerResponse

type Fields = Array<readonly [string, string]>

/** A response without content does not tell of its length, but for those that stand for one with content. */
const fieldsOf = ({ cookies, headers, status }: Response): Fields => {
  const isLengthless = status === 204 || status === 205
  const fields: Fields = []
  for (const name in headers) {
    const value = headers[name]
    if (value !== undefined && !(isLengthless && name === "content-length")) fields.push([name, value])
  }
  if (!Cookies.isEmpty(cookies)) {
    for (const value of Cookies.toSetCookieHeaders(cookies)) fields.push(["set-cookie", value])
  }
  return fields
}

/**
 * Sends the response to the request. Answers at once when nothing has to be waited for. Fails when the response cannot be
 * sent as it is; when nothing was sent yet, the client has got a 500 then.
 */
export const send = (request: HttpServerRequest, response: Response): Effect.Effect<unknown, HttpServerError> => {
  // Only this server makes the requests that it is asked to answer.
  const { source, upgraded } = (request as ServerRequest).state
  if (upgraded !== undefined) return Exit.succeed(upgraded)
  const { body, status } = response
  if (body._tag === "Raw" && body.body instanceof globalThis.Response) {
    return new Sending(source, request, response).web(body.body)
  }
  const headers = fieldsOf(response)
  if (source.method !== "HEAD" && !HttpServerResponse.omitsBody(response)) {
    if (body._tag === "Uint8Array") {
      const sent = source.respond(status, headers, body.text ?? body.body)
      return sent === Exit.void ? Exit.void : new Sending(source, request, response).orAnswer500(sent)
    }
    if (body._tag !== "Empty") return new Sending(source, request, response).body(headers)
  }
  const sent = source.respond(status, headers, "")
  if (body._tag === "Raw") RawContent.cancel(body.body)
  return sent === Exit.void ? Exit.void : new Sending(source, request, response).orAnswer500(sent)
}

const noFields: HeaderBlock = []
const none = new Uint8Array(0)

/** Fields with some that replace those of the same name, and others for want of such. */
const merge = (fields: HeaderBlock, over: HeaderBlock, lacking: HeaderBlock = []): Fields => {
  const isIn = (block: HeaderBlock, name: string) => name !== "set-cookie" && block.some(([other]) => other === name)
  const merged = [...fields.filter(([name]) => !isIn(over, name)), ...over]
  return [...merged, ...lacking.filter(([name]) => !isIn(merged, name))]
}

/** A response that may have to wait, or has failed. */
class Sending {
  readonly #source: RequestSource
  readonly #request: HttpServerRequest
  readonly #response: Response

  constructor(source: RequestSource, request: HttpServerRequest, response: Response) {
    this.#source = source
    this.#request = request
    this.#response = response
  }

  /** The server has no way to send it. */
  readonly #failure = (cause: unknown): HttpServerError =>
    new HttpServerError({ reason: new ResponseError({ request: this.#request, response: this.#response, cause }) })

  /** Fails when the first that is sent does, of which the client has got nothing yet. */
  orAnswer500(sent: Effect.Effect<void, SendError | Cause.IllegalArgumentError>): Effect.Effect<void, HttpServerError> {
    return Effect.catch(sent, (cause) => {
      const { body } = this.#response
      if (body._tag === "Raw") RawContent.cancel(body.body)
      return Effect.andThen(Effect.ignore(this.#source.respond(500, noFields, "")), Effect.fail(this.#failure(cause)))
    })
  }

  /** Sends content that is not a whole one in memory. */
  body(headers: Fields): Effect.Effect<void, HttpServerError> {
    const { body, status } = this.#response
    switch (body._tag) {
      case "Empty":
      case "Uint8Array":
        return Effect.die("sent already")
      case "Raw":
        return this.#raw(status, headers, body.body)
      case "FormData": {
        // It is written with a boundary that its type tells of.
        const form = new globalThis.Response(body.formData)
        return this.#pieces(status, merge(headers, [...form.headers]), RawContent.ofResponse(form))
      }
      case "Stream":
        return this.#pieces(status, headers, body.stream)
    }
  }

  /** Sends a response of the web, whose fields the other one's replace, as `HttpServerResponse.toWeb` has it. */
  web(web: globalThis.Response): Effect.Effect<void, HttpServerError> {
    const isBodiless = HttpServerResponse.omitsBody(this.#response)
    const status = isBodiless ? this.#response.status : web.status
    const fields = merge([...web.headers], fieldsOf(this.#response))
    const headers = status === 204 || status === 205 ? fields.filter(([name]) => name !== "content-length") : fields
    if (web.body !== null && !isBodiless && this.#source.method !== "HEAD") {
      return this.#pieces(status, headers, RawContent.ofResponse(web))
    }
    RawContent.cancel(web)
    return this.orAnswer500(this.#source.respond(status, headers, ""))
  }

  #raw(status: number, headers: Fields, raw: unknown): Effect.Effect<void, HttpServerError> {
    const content = RawContent.of(raw)
    if (content === undefined) return this.orAnswer500(Effect.fail(RawContent.problemOf(raw)))
    const source = this.#source
    if (typeof content === "string" || content instanceof Uint8Array) {
      return this.orAnswer500(source.respond(status, headers, content))
    }
    if (RawContent.isFile(content)) {
      const sent = Effect.andThen(source.start(status, headers), source.file(content[RawContent.filePart]))
      return Effect.ensuring(
        this.orAnswer500(sent),
        Effect.sync(() => RawContent.cancel(content))
      )
    }
    if (isTrailed(content)) return this.#trailed(status, headers, content)
    if (!(raw instanceof Blob)) return this.#pieces(status, headers, content)
    const known: Fields = [["content-length", String(raw.size)]]
    if (raw.type !== "") known.push(["content-type", raw.type])
    return this.#pieces(status, merge(headers, [], known), content)
  }

  #trailed(
    status: number,
    headers: Fields,
    { content, trailers }: TrailedContent
  ): Effect.Effect<void, HttpServerError> {
    const source = this.#source
    const end = Effect.andThen(
      Effect.suspend(() => source.piece(none, false)),
      Effect.suspend(() => source.trailers(trailers()))
    )
    return Effect.andThen(this.orAnswer500(source.start(status, headers, true)), this.#send(content, end))
  }

  /** A stream that fails leaves the response incomplete, and the client sees that. */
  #pieces(status: number, headers: HeaderBlock, content: RawContent.Pieces): Effect.Effect<void, HttpServerError> {
    const source = this.#source
    const end = Effect.suspend(() => source.piece(none, false))
    return Effect.andThen(this.orAnswer500(source.start(status, headers)), this.#send(content, end))
  }

  /** Sends the next portion, and waits until the client has caught up. */
  #portion(portions: RawContent.Portions): Effect.Effect<void, HttpServerError> {
    const bytes = portions.take()
    return bytes === undefined
      ? Effect.fail(this.#failure(RawContent.pieceProblem()))
      : Effect.mapError(this.#source.piece(bytes, true), this.#failure)
  }

  #send(content: RawContent.Pieces, end: Effect.Effect<void, SendError>): Effect.Effect<void, HttpServerError> {
    const pieces = Stream.runForEachArray(Stream.orDie(content), (array) => {
      const portions = new RawContent.Portions(array)
      return array.length === 1
        ? this.#portion(portions)
        : Effect.whileLoop({ while: () => portions.hasMore, body: () => this.#portion(portions), step: () => {} })
    })
    return Effect.matchCauseEffect(Effect.interruptible(pieces), {
      onSuccess: () => Effect.mapError(end, this.#failure),
      onFailure: (cause) => {
        ;(this.#request as ServerRequest).state.isBrokenOff = true
        return Effect.failCause(Cause.combine(cause, Cause.die(this.#response)))
      }
    })
  }
}

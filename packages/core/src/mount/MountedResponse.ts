/** Makes Effect's `HttpServerResponse` of what an application has sent. */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Cookies from "effect/http/Cookies"
import * as Headers from "effect/http/Headers"
import * as HttpBody from "effect/http/HttpBody"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Pull from "effect/Pull"
import * as Stream from "effect/Stream"
import { joinBytes } from "../bytes/JoinBytes.ts"
import type { BridgeResponse, ResponseHead } from "../bridge/BridgeResponse.ts"
import type { WriteBuffer } from "../contract/TransportState.ts"
import { joinFields } from "../http/FieldRecord.ts"
import type { HeaderBlock } from "../http/HeaderBlock.ts"
import { TrailedContent } from "../httpEffect/TrailedContent.ts"
import type { Waiter } from "../contract/Waiter.ts"

const lengthField = "content-length"

/** Cookies and the length have places of their own. */
const rules = { isWanted: (name: string): boolean => name !== "set-cookie" && name !== lengthField }

const fieldsOf = (headers: HeaderBlock, contentLength: number | undefined): Headers.Headers => {
  const record = joinFields(headers, rules)
  if (contentLength !== undefined) record[lengthField] = String(contentLength)
  return Headers.fromRecordUnsafe(record)
}

const cookiesOf = (headers: HeaderBlock): Cookies.Cookies | undefined => {
  const lines = headers.flatMap(([name, value]) => (name === "set-cookie" ? [value] : []))
  return lines.length === 0 ? undefined : Cookies.fromSetCookie(lines)
}

/** An exchange whose response a server of Effect's gets. */
export interface MountedHost {
  readonly response: BridgeResponse
  readonly exchange: { readonly writeBuffer: WriteBuffer }
  readonly changes: Waiter
  /** Why the response ends before it is complete, if the application has failed. */
  readonly failure: Cause.Cause<unknown> | undefined
}

const brokenOff = Effect.suspend(() => Effect.fail(new Error("the application broke off its response")))

/** What is there of the content. Nothing is taken before it is asked for, so that a slow reader suspends the application. */
const contentOf = (host: MountedHost): Stream.Stream<Uint8Array, unknown> =>
  Stream.fromPull(
    Effect.succeed(
      host.changes.when((): Pull.Pull<Arr.NonEmptyReadonlyArray<Uint8Array>, unknown> | undefined => {
        const { exchange, failure, response } = host
        const pieces = response.takeAll()
        if (Arr.isReadonlyArrayNonEmpty(pieces)) {
          return Effect.sync(() => {
            exchange.writeBuffer.update()
            return pieces
          })
        }
        if (failure !== undefined) return Effect.failCause(failure)
        if (response.status === "open") return undefined
        return response.status === "complete" ? Cause.done() : brokenOff
      })
    )
  )

/**
 * The response that the server around the application is to send, whose head is known. `trailers` says whether it can send
 * some.
 */
export const make = (
  host: MountedHost,
  { headers, status }: ResponseHead,
  { trailers }: { readonly trailers: boolean }
): HttpServerResponse.HttpServerResponse => {
  const { response } = host
  const { contentLength } = response
  const isWhole = response.status === "complete"
  const length = response.bufferedAmount
  const fields = fieldsOf(headers, contentLength)
  const empty = HttpServerResponse.empty({ status, headers: fields, cookies: cookiesOf(headers) })
  if (trailers && response.announcesTrailers) {
    const content = new TrailedContent(contentOf(host), () => response.trailerFields)
    return HttpServerResponse.setBody(empty, HttpBody.raw(content))
  }
  if (isWhole && length === 0) return empty
  // Effect would make up a content type where there is none.
  const contentType = fields["content-type"] ?? ""
  const body = isWhole
    ? HttpBody.uint8Array(joinBytes(response.takeAll()), contentType)
    : HttpBody.stream(contentOf(host), contentType, contentLength)
  const whole = HttpServerResponse.setBody(empty, body)
  return contentType === "" ? HttpServerResponse.removeHeader(whole, "content-type") : whole
}

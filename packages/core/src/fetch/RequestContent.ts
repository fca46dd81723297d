/** The content of a request for a fetch handler: whole, or as a stream that reads no further than it is read. */
import * as Effect from "effect/Effect"
import { joinBytes } from "../bytes/JoinBytes.ts"
import type { HttpReceiveEvent } from "../contract/Event.ts"
import type { NativeRequest } from "../contract/NativeHandler.ts"
import type { Receive } from "../contract/PagiApp.ts"
import { get } from "../http/HeaderBlock.ts"
import type { Fork } from "./Fork.ts"

/** The runtime takes them for the same methods in any case. */
const withoutContent = /^(?:GET|HEAD)$/i

/** Whether a request may have content. Of GET and HEAD there is none in the Fetch standard; the server discards it. */
export const mayHaveContent = ({ headers, httpVersion, method }: NativeRequest): boolean => {
  if (withoutContent.test(method)) return false
  const length = get(headers, "content-length")
  if (length !== undefined) return length !== "0"
  // HTTP/2 has a flag for the end instead, so there may always be some.
  return httpVersion === "2" || get(headers, "transfer-encoding") !== undefined
}

/** What reading fails with when the client has left. */
export const clientGone = (): DOMException =>
  new DOMException("The client has gone before the end of its request.", "AbortError")

/** Reads all content; rejects when the client leaves before its end. */
export const readContent = (receive: Receive<HttpReceiveEvent>, fork: Fork): Promise<Uint8Array> =>
  new Promise((resolve, reject) => {
    const pieces: Array<Uint8Array> = []
    const rest: Effect.Effect<void> = Effect.flatMap(receive, (event) => {
      if (event.type === "http.disconnect") return Effect.sync(() => reject(clientGone()))
      if (event.body.length > 0) pieces.push(event.body)
      return event.more ? rest : Effect.sync(() => resolve(joinBytes(pieces)))
    })
    fork(rest)
  })

/** Gives a piece to whoever reads; answers whether it was one, or the end. */
const give = (event: HttpReceiveEvent, controller: ReadableStreamDefaultController<Uint8Array>): boolean => {
  if (event.type === "http.disconnect") {
    controller.error(clientGone())
    return true
  }
  if (event.body.length > 0) controller.enqueue(event.body)
  if (!event.more) controller.close()
  return event.body.length > 0 || !event.more
}

/** The content as a stream that asks for the next piece when it is read, and not before. */
export const contentStream = (receive: Receive<HttpReceiveEvent>, fork: Fork): ReadableStream<Uint8Array> => {
  let isCancelled = false
  const source = {
    pull: (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> =>
      new Promise((resolve) => {
        const next: Effect.Effect<void> = Effect.flatMap(receive, (event) =>
          isCancelled || give(event, controller) ? Effect.sync(resolve) : next
        )
        fork(next)
      }),
    cancel: (): void => {
      isCancelled = true
    }
  }
  return new ReadableStream(source, { highWaterMark: 0 })
}

import * as Effect from "effect/Effect"
import { hasProperty } from "effect/Predicate"
import type { HttpReceiveEvent, HttpSendEvent } from "../contract/Event.ts"
import { answerOnce, LateModule } from "../contract/LateHandler.ts"
import type { NativeHandler } from "../contract/NativeHandler.ts"
import { type Application, type HttpHandler, make, type Receive, type Send } from "../contract/PagiApp.ts"
import type { HttpScope } from "../contract/Scope.ts"
import type { FetchInfo } from "./FetchInfo.ts"
import type { Handle } from "./FetchRunner.ts"
import * as FetchProblem from "./FetchProblem.ts"
import type { Prepared } from "./Prepared.ts"

/** Answers a request of the Fetch standard. */
export type FetchFunction = (request: Request, info: FetchInfo) => Response | PromiseLike<Response>

/** An application of a framework such as Hono, h3 or Elysia, or whatever else has a `fetch`. */
export interface FetchObject {
  readonly fetch: FetchFunction
}

/** An application of its own, and a handler of requests beside others. */
export type FetchApplication = Application<unknown> & HttpHandler<unknown>

/** How a fetch handler is run. */
export interface FromFetchOptions {
  /**
   * Replaces the global `Response` by a class that keeps text and bytes as they are, where the runtime's makes a stream of
   * them. Handlers that answer with such content, as most do, take less than half of the processor's time then. What the
   * runtime makes, such as the responses of `fetch`, stays as it is, and passes for a `Response` as before. True by default.
   */
  readonly lightResponse?: boolean | undefined
}

/**
 * An application that answers requests by a fetch handler: a function, or an object with one as its `fetch`, such as an
 * application of Hono, h3 or Elysia. It can be one handler beside others:
 *
 *     const application = PagiApp.make({ http: PagiApp.fromFetch(app), websocket: chat, sse: ticker })
 *
 * Content goes both ways as a stream, as fast as the other side takes it; `request.signal` is aborted when the client
 * leaves. A handler that fails, or answers with something else, is logged, and the client gets a 500. WebSockets are
 * refused with 501, as a fetch handler cannot open them. The second argument is a `FetchInfo`.
 *
 * So that `fetch(request)` and `new Request(request)` can be given such a request, of which only what is asked for is made,
 * the global `fetch` and `Request` are replaced by ones that take it, and are otherwise as they were. For `Response` see
 * the option `lightResponse`.
 */
export const fromFetch = (app: FetchFunction | FetchObject, options?: FromFetchOptions): FetchApplication => {
  const handle = handleOf(app)
  const late = new LateModule(async (): Promise<Prepared> => {
    const { prepare } = await import("./Prepared.ts")
    return prepare(handle, { lightResponse: options?.lightResponse !== false })
  })
  const native: NativeHandler = (request, context) =>
    late.current?.native(request, context) ??
    answerOnce(context, late.loaded, (found) => found.native(request, context))
  const http = (scope: HttpScope, receive: Receive<HttpReceiveEvent>, send: Send<HttpSendEvent>) =>
    Effect.flatMap(late.loaded, (found) => found.http(scope, receive, send))
  const application: Application<unknown> = make({ http: Object.assign(http, { native }) })
  return application as FetchApplication // Whatever the scope, it takes the events of its type.
}

/** Methods may use their object, and programs exchange them. */
const handleOf = (app: unknown): Handle => {
  if (typeof app === "function") return (request, info) => app(request, info)
  if (hasProperty(app, "fetch") && typeof app.fetch === "function") {
    const object = app as FetchObject // As has just been looked.
    return (request, info) => object.fetch(request, info)
  }
  throw FetchProblem.noHandler(app)
}

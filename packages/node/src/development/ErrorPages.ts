/** Shows in place of an empty 500 what went wrong, in development. */
import type * as Event from "@pagi/core/contract/Event"
import type { NativeHandler, NativeRequest } from "@pagi/core/contract/NativeHandler"
import { hintOf, NotAnEffect } from "@pagi/core/contract/NotAnEffect"
import { type Application, type Receive, type Send, wrap } from "@pagi/core/contract/PagiApp"
import type { HttpScope, Scope } from "@pagi/core/contract/Scope"
import type { HeaderBlock } from "@pagi/core/http/HeaderBlock"
import { isLocal } from "@pagi/core/http/LocalName"
import { callApplication } from "@pagi/core/server/ApplicationCall"
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as ErrorAnswer from "./ErrorAnswer.ts"
import * as ErrorReport from "./ErrorReport.ts"
import { HeldEvents, HeldRequest } from "./HeldAnswer.ts"
import type { NewestCode } from "./NewestCode.ts"
import * as Page from "./Page.ts"

/** What is asked for, as far as an error's page names it. */
interface Asked {
  readonly method: string
  readonly path: string
  readonly headers: HeaderBlock
}

const failedAdvice =
  "The server shows this in development only. In production the client gets status 500, and nothing of this."

const brokenAdvice =
  "The version before goes on answering all that is no page. The next version that can be loaded takes over."

/** The answer for a request that has failed; none for somebody who is not to see code. */
const answerFailure = ({ headers, method, path }: Asked, cause: Cause.Cause<unknown>) => {
  if (Cause.hasInterruptsOnly(cause) || !isLocal(headers)) return undefined
  const occasion = { title: `${method} ${path} failed`, advice: failedAdvice }
  try {
    return ErrorAnswer.make(Page.wantedForm(headers), occasion, ErrorReport.ofCause(cause))
  } catch {
    // What was thrown may be anything, and its properties functions that throw.
    return undefined
  }
}

/** The answer for a page while the newest code cannot serve. */
const answerBroken = ({ headers, method }: Asked, problem: ErrorReport.ErrorReport) => {
  if (!Page.isWanted(method, headers) || !isLocal(headers)) return undefined
  return ErrorAnswer.make("html", { title: "The application cannot be loaded", advice: brokenAdvice }, problem)
}

const askedOf = ({ headers, method, path }: HttpScope): Asked => ({ headers, method, path })

const askedBy = ({ headers, method, target }: NativeRequest): Asked => ({
  headers,
  method,
  path: target.replace(/\?.*/s, "")
})

const sendAnswer = (send: Send<Event.HttpSendEvent>, { content, headers, status }: ErrorAnswer.ErrorAnswer) =>
  Effect.andThen(
    send({ type: "http.response.start", status, headers }),
    send({ type: "http.response.body", body: content })
  )

/** Nothing was sent, as the server says it too. */
const unanswered = (value: unknown): NotAnEffect =>
  new NotAnEffect({ message: `the application returned without sending a response${hintOf(value)}` })

/** An exchange by events. */
const byEvents = (
  application: Application<unknown, never>,
  scope: HttpScope,
  receive: Receive<Event.ReceiveEvent>,
  send: Send<Event.HttpSendEvent>
): Effect.Effect<unknown, unknown> =>
  Effect.withFiber((fiber) => {
    const held = new HeldEvents(send, Effect.runForkWith(fiber.context))
    const isSilent = () => !scope.connection.responseStarted && scope.connection.isConnected
    const fail = (cause: Cause.Cause<unknown>) => {
      const answer = isSilent() ? answerFailure(askedOf(scope), cause) : undefined
      if (answer === undefined) return Effect.andThen(held.release, Effect.failCause(cause))
      held.giveUp()
      return Effect.andThen(sendAnswer(send, answer), Effect.failCause(cause))
    }
    // A handler of one scope type sends events of that type, which `send` checks.
    return Effect.matchCauseEffect(callApplication(application, scope, receive, held.send as Send<Event.SendEvent>), {
      onFailure: fail,
      onSuccess: (value) => {
        if (held.isHolding) return Effect.as(held.release, value)
        return isSilent() ? fail(Cause.fail(unanswered(value))) : Effect.succeed(value)
      }
    })
  })

/** Ends a native exchange whose handler has ended. */
const endNative = (
  request: NativeRequest,
  held: HeldRequest,
  exit: Exit.Exit<unknown, unknown>
): Exit.Exit<unknown, unknown> => {
  if (Exit.isSuccess(exit) || (held.hasBegun && !held.isHolding)) {
    held.release()
    return exit
  }
  const answer = answerFailure(askedBy(request), exit.cause)
  if (answer === undefined) held.release()
  else {
    held.giveUp()
    request.respond(answer.status, answer.headers, answer.content)
  }
  return exit
}

const native =
  (handler: NativeHandler, code: NewestCode | undefined): NativeHandler =>
  (request: NativeRequest, context: Context.Context<never>) => {
    const problem = code?.problem
    const broken = problem && answerBroken(askedBy(request), problem)
    if (broken !== undefined) {
      request.respond(broken.status, broken.headers, broken.content)
      return Effect.runFork(Effect.void)
    }
    const held = new HeldRequest(request)
    const fiber = handler(held, context)
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) {
      endNative(request, held, exit)
      return fiber
    }
    return Effect.runForkWith(context)(
      Effect.onInterrupt(
        Effect.flatMap(Fiber.await(fiber), (exit) => endNative(request, held, exit)),
        () => Fiber.interrupt(fiber)
      )
    )
  }

/**
 * An application whose failures are shown, as long as nothing was sent, to whoever asks under a local name: as a page, as
 * JSON or as text. The failure goes on, so that it is logged as ever. While `code` has a problem, pages show that, and
 * everything else is the application's to answer.
 */
export const errorPages = (
  application: Application<unknown, never>,
  code?: NewestCode | undefined
): Application<unknown, never> => {
  const around = (scope: Scope, receive: Receive<Event.ReceiveEvent>, send: Send<Event.SendEvent>) => {
    if (scope.type !== "http") return callApplication(application, scope, receive, send)
    const problem = code?.problem
    const broken = problem && answerBroken(askedOf(scope), problem)
    return broken === undefined ? byEvents(application, scope, receive, send) : sendAnswer(send, broken)
  }
  return wrap(application, around, { native: application.native && native(application.native, code) })
}

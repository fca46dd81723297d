/** Runs of fetch handlers, and streams that a test feeds. */
import { assert } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type { HttpSendEvent } from "../../src/contract/Event.ts"
import { FetchRunner, type Handle } from "../../src/fetch/FetchRunner.ts"
import { LightResponse } from "../../src/fetch/LightResponse.ts"
import { FakeRequest } from "./FakeRequest.ts"

export const Light = LightResponse as unknown as typeof Response

export const run = (handle: Handle, source = new FakeRequest()) => ({
  source,
  fiber: new FetchRunner(handle).native(source, Context.empty())
})

/** How a fiber has ended that had no time to wait. */
export const exitAtOnce = (fiber: Fiber.Fiber<unknown, unknown>) =>
  fiber.pollUnsafe() ?? assert.fail("it has not ended at once")

export const failureOf = (exit: Exit.Exit<unknown, unknown>): string =>
  Exit.isFailure(exit) ? String(Cause.squash(exit.cause)) : assert.fail("it has not failed")

export const failure = (handle: Handle, source?: FakeRequest) =>
  Effect.map(Fiber.await(run(handle, source).fiber), failureOf)

/** What was sent, in short. */
export const short = (event: HttpSendEvent): string => {
  if (event.type === "http.response.start") {
    return [event.status, ...(event.headers ?? []).map(([name, value]) => `${name}: ${value}`)].join(" ")
  }
  if (event.type !== "http.response.body" || "file" in event || "fh" in event) return event.type
  const { body = "", more } = event
  return `${typeof body === "string" ? body : new TextDecoder().decode(body)}${more === true ? " …" : ""}`
}

export const answerOf = (handle: Handle, source?: FakeRequest) =>
  Effect.gen(function* () {
    const { fiber, source: used } = run(handle, source)
    assert.deepStrictEqual(yield* Fiber.await(fiber), Exit.void)
    return used.sent.map(short)
  })

export const encode = (text: string) => new TextEncoder().encode(text)

/** A stream that a test feeds. */
export const feed = () => {
  const state = { cancelled: undefined as unknown, pulls: 0 }
  let controller: ReadableStreamDefaultController<unknown> | undefined
  const stream = new ReadableStream<unknown>(
    {
      start: (given) => {
        controller = given
      },
      pull: () => {
        state.pulls++
      },
      cancel: (reason) => {
        state.cancelled = reason
      }
    },
    { highWaterMark: 0 }
  )
  return {
    state,
    response: () => new Response(stream as ReadableStream<Uint8Array>),
    push: (value: unknown) => controller?.enqueue(value),
    close: () => controller?.close(),
    error: (error: unknown) => controller?.error(error)
  }
}

/** Time for whatever needs no more than microtasks and timers without a time. */
export const turn = Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 0)))

export const textType = "content-type: text/plain;charset=UTF-8"

/** What a value is that a module exports, as far as that shows before anything of it runs. */
import { isNodeHandler } from "@pagi/core/contract/NotAnEffect"
import type { Application } from "@pagi/core/contract/PagiApp"
import type { FetchFunction, FetchObject } from "@pagi/core/fetch/fromFetch"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { hasProperty } from "effect/Predicate"
import * as Description from "../plan/Description.ts"
import { type AppLoadError, ExportAmbiguous, ExportUnusable } from "./AppLoadError.ts"

/** An application of the contract. */
export interface ExportedApplication {
  readonly _tag: "Application"
  readonly application: Application<unknown>
}

/** A handler of requests of the Fetch standard, or an object with one. */
export interface ExportedFetch {
  readonly _tag: "Fetch"
  readonly handler: FetchFunction | FetchObject
  /** What else the object has for other servers, and what is not used here. */
  readonly unused: ReadonlyArray<string>
}

/** What can be served, or has to be built or run first. */
export type Exported =
  | ExportedApplication
  | ExportedFetch
  | { readonly _tag: "Layer"; readonly layer: Layer.Layer<unknown, unknown, unknown> }
  | { readonly _tag: "Effect"; readonly effect: Effect.Effect<unknown, unknown, unknown> }
  | { readonly _tag: "Unusable"; readonly reason: AppLoadError["reason"] }

/** By this Effect knows its responses. */
const responseKey = "~effect/http/HttpServerResponse"

/** Whether it is a response of Effect's, whichever copy has made it. */
export const isHttpServerResponse = (value: unknown): boolean => hasProperty(value, responseKey)

/** Says what a value is; `subject` is what messages call it. */
export const of = (value: unknown, subject: string): Exported => {
  if (typeof value === "function" && !Description.isClass(value)) return ofFunction(value, subject)
  if (Layer.isLayer(value)) return { _tag: "Layer", layer: value }
  if (Effect.isEffect(value)) return { _tag: "Effect", effect: value }
  if (isFetchObject(value)) return { _tag: "Fetch", handler: value, unused: unusedOf(value) }
  if (isHttpServerResponse(value)) return unusable(subject, "an HttpServerResponse", responseAdvice)
  if (value instanceof Response) return unusable(subject, "a Response", responseAdvice)
  return unusable(subject, Description.ofValue(value), isWebHandler(value) ? webHandlerAdvice : undefined)
}

const responseAdvice = "export what makes one for each request, such as (request) => new Response(text)"

const webHandlerAdvice = "export the Layer of HttpRouter.serve in place of what HttpRouter.toWebHandler gives"

const isWebHandler = (value: unknown): boolean => hasProperty(value, "handler") && hasProperty(value, "dispose")

const unusable = (subject: string, found: string, advice?: string): Exported => ({
  _tag: "Unusable",
  reason: new ExportUnusable({ subject, found, ...(advice === undefined ? {} : { advice }) })
})

const isFetchObject = (value: unknown): value is FetchObject =>
  typeof value !== "string" && hasProperty(value, "fetch") && typeof value.fetch === "function"

/** Of an object that was written for it; one of a framework has much that nobody else is to use. */
const unusedOf = (object: FetchObject): ReadonlyArray<string> =>
  Object.getPrototypeOf(object) === Object.prototype ? Object.keys(object).filter((name) => name !== "fetch") : []

/** What `PagiApp` has made says so itself; of other functions the parameters tell. */
const ofFunction = (value: Function, subject: string): Exported => {
  // Whether it is one shows when it is called.
  const application: Exported = { _tag: "Application", application: value as Application<unknown> }
  if ("scopeTypes" in value) return application
  if (isFetchObject(value)) return { _tag: "Fetch", handler: value, unused: [] }
  // It will be told what it is instead of an application.
  if (value.length === 3 || isNodeHandler(value) || isGenerator(value)) return application
  if (value.length === 1 || value.length === 2) return fetchFunction(value)
  return value.length === 0
    ? { _tag: "Unusable", reason: new ExportAmbiguous({ subject }) }
    : unusable(subject, Description.ofValue(value))
}

/** Whether it is one shows when it is called. */
const fetchFunction = (value: Function): Exported => ({ _tag: "Fetch", handler: value as FetchFunction, unused: [] })

const isGenerator = (value: Function): boolean =>
  /^\[object (?:Async)?GeneratorFunction\]$/.test(Object.prototype.toString.call(value))

/** What is known of it, in the words of the log. */
export const describe = (exported: ExportedApplication | ExportedFetch): string => {
  if (exported._tag === "Fetch")
    return typeof exported.handler === "function" ? "a fetch function" : "an object with fetch"
  const { scopeTypes } = exported.application
  return `an application of PAGI${scopeTypes === undefined ? "" : ` for ${[...scopeTypes].join(", ") || "nothing"}`}`
}

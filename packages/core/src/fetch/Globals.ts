/** Lets the globals of the Fetch standard work with the light objects of this server. */
import { constructedAs, nameAs } from "./Delegation.ts"
import { LightRequest } from "./LightRequest.ts"
import { LightResponse } from "./LightResponse.ts"

const RealRequest = globalThis.Request
const realFetch = globalThis.fetch

/** As the runtime's own class, but takes light requests too. */
class UnwrappingRequest extends RealRequest {
  static {
    nameAs(this, RealRequest)
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return this === UnwrappingRequest
      ? value instanceof RealRequest
      : Function.prototype[Symbol.hasInstance].call(this, value)
  }

  constructor(input: ConstructorParameters<typeof Request>[0], init?: RequestInit) {
    super(LightRequest.unwrap(input), init)
  }
}

constructedAs(LightRequest, UnwrappingRequest)

const unwrappingFetch: typeof fetch = function fetch(input, init) {
  return realFetch(LightRequest.unwrap(input), init)
}

const replace = (name: "Request" | "Response" | "fetch", value: unknown): void => {
  const { enumerable = false } = Object.getOwnPropertyDescriptor(globalThis, name) ?? {}
  Object.defineProperty(globalThis, name, { value, enumerable, writable: true, configurable: true })
}

/** Has `new Request(request)` and `fetch(request)` take light requests, which the runtime would look into. */
export const acceptLightRequests = (): void => {
  // A program that has put something in their place keeps it.
  if (globalThis.Request === RealRequest) replace("Request", UnwrappingRequest)
  if (globalThis.fetch === realFetch) replace("fetch", unwrappingFetch)
}

/** Has `new Response` make light ones; answers how that is undone. */
export const makeLightResponses = (): (() => void) => {
  const before = globalThis.Response
  replace("Response", LightResponse)
  return () => replace("Response", before)
}

/** What there is to know of a request, whichever way it comes, and a request that takes it from another one. */
import type * as Effect from "effect/Effect"
import type { ByteString } from "../bytes/ByteString.ts"
import type { HeaderBlock } from "../http/HeaderBlock.ts"
import type { Address } from "./Address.ts"
import type { NativeRequest } from "./NativeHandler.ts"
import type { HttpVersion, Readiness } from "./Scope.ts"

/** What there is to know of a request, whichever way it comes. */
export type RequestFacts = Pick<
  NativeRequest,
  | "method"
  | "target"
  | "rootPath"
  | "httpVersion"
  | "headers"
  | "secure"
  | "client"
  | "server"
  | "shuttingDown"
  | "readiness"
>

/** The facts of another request. */
export abstract class FactsAround<Request extends RequestFacts> implements RequestFacts {
  protected readonly request: Request

  constructor(request: Request) {
    this.request = request
  }

  get method(): string {
    return this.request.method
  }

  get target(): ByteString {
    return this.request.target
  }

  get rootPath(): string {
    return this.request.rootPath
  }

  get httpVersion(): HttpVersion {
    return this.request.httpVersion
  }

  get headers(): HeaderBlock {
    return this.request.headers
  }

  get secure(): boolean {
    return this.request.secure
  }

  get client(): Address | undefined {
    return this.request.client
  }

  get server(): Address | undefined {
    return this.request.server
  }

  get shuttingDown(): Effect.Effect<void> {
    return this.request.shuttingDown
  }

  get readiness(): Readiness {
    return this.request.readiness
  }
}

/** A request as the scope of its exchange tells it, for the adapters of other contracts. */
import type * as Effect from "effect/Effect"
import type { ByteString } from "../bytes/ByteString.ts"
import type { HeaderBlock } from "../http/HeaderBlock.ts"
import { joinTarget } from "../http/RequestPath.ts"
import type { Address } from "./Address.ts"
import type { RequestFacts } from "./RequestFacts.ts"
import type { HttpScope, HttpVersion, Readiness, WebSocketScope } from "./Scope.ts"

/** The facts of a request, or of a WebSocket handshake. */
export class RequestOfScope<Scope extends HttpScope | WebSocketScope> implements RequestFacts {
  readonly scope: Scope

  constructor(scope: Scope) {
    this.scope = scope
  }

  get method(): string {
    return this.scope.type === "http" ? this.scope.method : "GET"
  }

  get target(): ByteString {
    return joinTarget(this.scope)
  }

  get rootPath(): string {
    return this.scope.rootPath
  }

  get httpVersion(): HttpVersion {
    return this.scope.httpVersion
  }

  get headers(): HeaderBlock {
    return this.scope.headers
  }

  get secure(): boolean {
    return this.scope.scheme === "https" || this.scope.scheme === "wss"
  }

  get client(): Address | undefined {
    return this.scope.client
  }

  get server(): Address | undefined {
    return this.scope.server
  }

  get shuttingDown(): Effect.Effect<void> {
    return this.scope.shuttingDown
  }

  get readiness(): Readiness {
    return this.scope.readiness
  }
}

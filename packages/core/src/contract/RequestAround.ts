import type * as Effect from "effect/Effect"
import type { AnySpan } from "effect/Tracer"
import type { ByteString } from "../bytes/ByteString.ts"
import type { HeaderBlock } from "../http/HeaderBlock.ts"
import type { Address } from "./Address.ts"
import type { DisconnectReason } from "./DisconnectReason.ts"
import type { HttpReceiveEvent, HttpSendEvent } from "./Event.ts"
import type { NativeRequest } from "./NativeHandler.ts"
import type { Receive, Send } from "./ReceiveSend.ts"
import type { HttpVersion, Readiness, State } from "./Scope.ts"
import type { TlsExtension } from "./TlsExtension.ts"

/** A native request that is another one but for what a class that extends this one changes. */
export class RequestAround implements NativeRequest {
  protected readonly request: NativeRequest & { readonly requestId?: string | undefined }

  constructor(request: NativeRequest) {
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

  get requestId(): string | undefined {
    return this.request.requestId
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

  get tls(): TlsExtension | undefined {
    return this.request.tls
  }

  get state(): State {
    return this.request.state
  }

  get receive(): Receive<HttpReceiveEvent> {
    return this.request.receive
  }

  get send(): Send<HttpSendEvent> {
    return this.request.send
  }

  get disconnectReason(): DisconnectReason | undefined {
    return this.request.disconnectReason
  }

  get span(): AnySpan | undefined {
    return this.request.span
  }

  set span(span: AnySpan | undefined) {
    this.request.span = span
  }

  respond(status: number, headers: HeaderBlock, content: string | Uint8Array): string | undefined {
    return this.request.respond(status, headers, content)
  }

  onDisconnect(callback: (reason: DisconnectReason) => void): void {
    this.request.onDisconnect(callback)
  }
}

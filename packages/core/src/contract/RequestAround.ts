import type { AnySpan } from "effect/Tracer"
import type { HeaderBlock } from "../http/HeaderBlock.ts"
import type { DisconnectReason } from "./DisconnectReason.ts"
import type { HttpReceiveEvent, HttpSendEvent } from "./Event.ts"
import type { NativeRequest } from "./NativeHandler.ts"
import type { Receive, Send } from "./ReceiveSend.ts"
import { FactsAround } from "./RequestFacts.ts"
import type { State } from "./Scope.ts"
import type { TlsExtension } from "./TlsExtension.ts"

/** A native request that is another one but for what a class that extends this one changes. */
export class RequestAround
  extends FactsAround<NativeRequest & { readonly requestId?: string | undefined }>
  implements NativeRequest
{
  get requestId(): string | undefined {
    return this.request.requestId
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

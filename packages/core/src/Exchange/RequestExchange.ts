import type * as Exit from "effect/Exit"
import type { DisconnectReason } from "../DisconnectReason.ts"
import type * as Event from "../Event.ts"
import type { HttpRequestHead, ScopeConnection } from "../RequestScope.ts"
import type { ResponseSink } from "../ResponseSink.ts"
import type { Scope } from "../Scope.ts"
import type { ServerContext } from "../ServerContext.ts"
import { type Ending, Exchange, type ExchangeOptions } from "./Exchange.ts"

/** What an exchange needs of the driver that made it: the way out, and the request's body. */
export interface ExchangeHost {
  readonly response: ResponseSink
  /** Bytes of this exchange that wait for the peer. Arrays that were sent before so many last bytes are not needed any more. */
  readonly bufferedAmount: number
  /**
   * The next piece of the request body; `undefined` when there is none yet or the body is over. Arranges for
   * `Exchange.readable` to be called when there is more.
   */
  pullBody(): Event.HttpRequestEvent | undefined
  /** The application's fiber has ended; `ending` says what that means for the exchange. */
  onApplicationEnd(ending: Ending): void
  /** Ends a response that is under way as if it were complete, and with it the connection; the exchange sees `reason`. */
  endResponse(reason: DisconnectReason): void
  /** Ends the connection such that the peer does not take the response for complete. `problem` is for the log. */
  breakOff(problem: string): void
}

const incomplete: Readonly<Record<Ending, string>> = {
  unanswered: "the application returned without sending a response",
  truncated: "the application returned before its response was complete",
  complete: "",
  disconnected: ""
}

/**
 * One request with its response, for every HTTP version: the contract on one side, the driver's `ExchangeHost` on the
 * other.
 */
export abstract class RequestExchange<
  ReceiveEvent extends Event.ReceiveEvent,
  SendEvent extends Event.SendEvent
> extends Exchange<ReceiveEvent, SendEvent> {
  protected readonly host: ExchangeHost

  constructor(host: ExchangeHost, options: ExchangeOptions) {
    super(options)
    this.host = host
  }

  /** Whether silence in both directions may end the exchange now; an event stream has a limit of its own. */
  abstract readonly mayStall: boolean

  /** What the application is told of the request. */
  abstract makeScope(server: ServerContext, connection: ScopeConnection, head: HttpRequestHead): Scope

  /** A piece of the request body as this kind of exchange reports it. */
  protected abstract bodyEvent(piece: Event.HttpRequestEvent): ReceiveEvent

  /** What `receive` answers when the exchange has ended. */
  protected abstract endEvent(): ReceiveEvent

  get bufferedAmount(): number {
    return this.host.bufferedAmount
  }

  protected takeNext(): ReceiveEvent | undefined {
    if (this.hasEnded) return this.endEvent()
    const piece = this.host.pullBody()
    // Pulling a malformed body ends the exchange.
    if (this.hasEnded) return this.endEvent()
    return piece === undefined ? undefined : this.bodyEvent(piece)
  }

  /**
   * Tells the host how the exchange ended. Failures are logged, except those of an application whose peer had already
   * left: there the failure is most likely the consequence.
   */
  onApplicationExit(exit: Exit.Exit<unknown, unknown>): void {
    const { state } = this
    const ending: Ending =
      state.disconnectReason !== undefined
        ? "disconnected"
        : state.responseComplete
          ? "complete"
          : state.responseStarted
            ? "truncated"
            : "unanswered"
    if (ending !== "disconnected") this.report(exit, ending === "complete", incomplete[ending])
    this.host.onApplicationEnd(ending)
  }
}

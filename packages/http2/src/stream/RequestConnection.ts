import type { ListenerFibers } from "@pagi/core/server/ConnectionFibers"
import type { DisconnectReason } from "@pagi/core/contract/DisconnectReason"
import type { ObservedConnection } from "@pagi/core/observe/Observer"
import type { Transport } from "@pagi/core/transport/Transport"
import type { DriverOptions } from "./DriverOptions.ts"
import type { Connection } from "../protocol/Connection.ts"
import type { Stream, StreamOwner } from "../protocol/streams/Stream.ts"

/** A request on its stream, as its connection and the parts of it see it. */
export interface ConnectedRequest extends StreamOwner {
  /** Whether content waits, for the peer's windows or for room in the transport. */
  readonly isWaitingForPeer: boolean
  /** Bytes of the request's response that wait for the peer, here or in the transport. */
  readonly bufferedAmount: number
  /** Content waits for the peer, which must take some of it in time. */
  watchBacklog(): void
  /** The transport has sent something, or windows have opened. */
  onProgress(): void
  /** The turn ends: what waited for more goes out as it is. Answers whether it still waits. */
  onTurnEnd(): boolean
  /** The stream or its connection has ended before its time. */
  onReset(reason: DisconnectReason): void
  /** Ends the response, which contradicts what it has said of itself. `problem` is for the log. */
  breakOff(problem: string): void
}

/** What a request needs of its connection. */
export interface RequestConnection {
  readonly settings: DriverOptions
  readonly transport: Transport
  /** The connection as observers are told of it. */
  readonly described: ObservedConnection
  readonly fibers: ListenerFibers
  readonly machine: Connection<ConnectedRequest>
  /** When the requests have come that are being begun, as far as somebody listens; not known before the first of them. */
  arrivedAt: number | undefined
  /** Whether the peer is not read, since it has to read first what it has asked for. */
  readonly isPaused: boolean
  /** Frames were written, or content that waits. */
  onWritten(request: ConnectedRequest): void
  /** The head of a response waits for content, at most until the turn ends. */
  onHeld(request: ConnectedRequest): void
  /** Looks at the request when so many ticks have passed, or earlier; answers the tick by which they have. */
  watchStall(ticks: number): number
  /** Ends a stream before its time. */
  reset(stream: Stream<ConnectedRequest>, code: number): void
  /** Sends everything that can be sent now. */
  flush(): void
  /** An application has begun to wait for something; `onApplicationEnd` will tell. */
  onApplicationStart(request: ConnectedRequest): void
  /** An application has ended, whether it had to wait or not. */
  onApplicationEnd(request: ConnectedRequest): void
}

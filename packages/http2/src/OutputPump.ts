import type { Transport } from "@pagi/core/transport/Transport"
import type { Connection } from "./protocol/Connection.ts"
import type { ConnectedRequest } from "./stream/RequestConnection.ts"

/**
 * What the streams of a connection wait for that have written, from the least to the most that is left to do:
 *
 *     nothing ──(content waits, or the system has not taken all)──► peer ──(much was gathered)──► turnEnd
 *        ▲                                                           │ ▲                            │
 *        └─────────────────(told, and none has a backlog)────────────┘ └──(told, and one has some)──┘
 *
 * - `nothing`: what they have written goes out by itself when the turn ends, and none of them needs to know
 * - `peer`: a stream may have a backlog, which goes on only when the peer opens windows or reads; the streams are told of
 *   progress when content was pumped, as it is after both
 * - `turnEnd`: so much was gathered that an application may wait in `send` for it to go out, backlog or not; the streams
 *   are told when it has, which is at the end of the turn at the latest
 */
type Awaited = "nothing" | "peer" | "turnEnd"

/**
 * The way out of a connection beyond the protocol machine: decides what is left to do when streams have written, and when.
 *
 * | what is left                        | where that stands           | what is done about it                                  |
 * | ----------------------------------- | --------------------------- | ------------------------------------------------------ |
 * | frames                              | `machine.hasOutput`         | they go out when the turn ends                         |
 * | heads that wait for content         | `#held`                     | they go out as they are when the turn ends             |
 * | content, behind much else           | `machine.pump`: `transport` | what is written goes out now; if the system does not   |
 * |                                     |                             | take that, content waits until it has (`onDrain`)      |
 * | content, behind a window            | `machine.pump`: `window`    | it waits for a WINDOW_UPDATE of the peer               |
 * | streams that wait for any of these  | `#awaited`                  | they are told of progress                              |
 *
 * That nothing is left, so that our side may close behind GOAWAY, is the matter of `Http2Driver` and its phase.
 */
export class OutputPump {
  readonly #machine: Connection<ConnectedRequest>
  readonly #transport: Transport
  /** Bytes above which applications wait in `send`. */
  readonly #highWaterMark: number
  /** Requests whose heads wait for content; made for the first of a turn. */
  #held: Array<ConnectedRequest> | undefined = undefined
  #awaited: Awaited = "nothing"
  /** Whether the transport, which calls `onFlush` whenever it is flushed, is only to make room in the middle of a turn. */
  #isMakingRoom = false

  constructor(machine: Connection<ConnectedRequest>, transport: Transport, highWaterMark: number) {
    this.#machine = machine
    this.#transport = transport
    this.#highWaterMark = highWaterMark
  }

  /** The head of a response waits for content, at most until the turn ends. */
  hold(request: ConnectedRequest): void {
    ;(this.#held ??= []).push(request)
    this.#transport.scheduleFlush()
  }

  /** A request has written frames, or content that waits. */
  onWritten(request: ConnectedRequest): void {
    const machine = this.#machine
    if (machine.bufferedAmount > this.#highWaterMark) this.#awaited = "turnEnd"
    else if (request.isWaitingForPeer) this.#awaitPeer()
    if (machine.isFull) {
      this.makeRoom()
      this.pump()
    }
    if (request.isWaitingForPeer) request.watchBacklog()
    this.#transport.scheduleFlush()
  }

  /** The system has not taken everything that was handed to it. */
  onBlocked(): void {
    this.#awaitPeer()
  }

  #awaitPeer(): void {
    if (this.#awaited === "nothing") this.#awaited = "peer"
  }

  /** The transport is about to send what is written by then. */
  onFlush(): void {
    if (!this.#isMakingRoom) this.#endTurn()
    this.#machine.finishTurn()
  }

  /** What could have been joined by more in this turn goes out as it is. */
  #endTurn(): void {
    const held = this.#held
    this.#held = undefined
    if (held !== undefined) for (const request of held) if (request.onTurnEnd()) (this.#held ??= []).push(request)
    if (this.#awaited === "turnEnd") this.pump()
    else this.#machine.pump()
  }

  /** Sends content that waits, until the windows are used up or the system takes no more, and tells those who wait. */
  pump(): void {
    const machine = this.#machine
    while (machine.pump() === "transport") {
      this.makeRoom()
      if (machine.isFull) break
    }
    if (this.#awaited === "nothing") return
    // What the system takes at once is no backlog.
    this.makeRoom()
    this.#tellProgress()
  }

  /** Sends what was written, in the middle of a turn. */
  makeRoom(): void {
    this.#isMakingRoom = true
    this.#transport.flush()
    this.#isMakingRoom = false
  }

  #tellProgress(): void {
    this.#awaited = "nothing"
    for (const { owner } of [...this.#machine.openStreams]) {
      if (owner === undefined) continue
      owner.onProgress()
      if (owner.bufferedAmount > 0) this.#awaitPeer()
    }
  }
}

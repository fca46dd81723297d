import type { Address } from "../contract/Address.ts"
import type { ByteSink } from "../bytes/ByteSink.ts"
import type { DisconnectReason } from "../contract/DisconnectReason.ts"
import type { TlsExtension } from "../contract/TlsExtension.ts"

/**
 * A connection's bytes in both directions, as a driver sees them. Plain calls and no Effects: this is the seam that
 * every byte crosses. Written data is gathered and goes out in one write at the end of the turn, at `flush`, or when
 * much of it has come together.
 */
export interface Transport extends ByteSink {
  /** The peer; absent on Unix sockets. */
  readonly client: Address | undefined
  readonly server: Address | undefined
  /** Whether the bytes travel over TLS. */
  readonly secure: boolean
  /** Whether the bytes come in the clear here, whatever they have travelled over before; told of no other transport. */
  readonly isDecrypted?: boolean
  /**
   * Whether a proxy passes it on without saying whose it is: its addresses are the proxy's then, but what comes is said by
   * somebody else, and nobody is trusted. Told of no other transport.
   */
  readonly hasUnknownClient?: boolean
  /** What TLS has settled; absent without it. */
  readonly tls: TlsExtension | undefined
  /** The one host, in lower case, that requests may be for; every host when there is none. */
  readonly expectedHost: string | undefined
  /** Bytes written that the operating system has not taken yet. */
  readonly bufferedAmount: number
  /** Whether the operating system takes nothing further at the moment. */
  readonly isBlocked: boolean
  /**
   * Whether the operating system has taken some of what blocks, since that was handed over or this was last asked. A
   * drain is told only when it has taken all of that.
   */
  tookSome(): boolean
  /** Sends what was gathered now. */
  flush(): void
  /** Makes sure that `onFlush` is called before the turn ends, also if nothing is written. */
  scheduleFlush(): void
  /** Stops reading, so that the peer's window fills up and it has to wait. */
  pause(): void
  resume(): void
  /** Flushes, then half-closes: the peer sees the end after the last byte. */
  end(): void
  /** Flushes, then closes without waiting for the peer; for a peer that has nothing more to send. */
  close(): void
  /** Like `close`, in the middle of something: over TLS without the notice that says that nothing is missing. */
  truncate(): void
  /** Flushes what the operating system takes at once and closes. `onClose` follows in a later turn. */
  destroy(): void
  /** Closes with a reset, so that the peer cannot take what it has for complete. `onClose` follows in a later turn. */
  reset(): void
  /**
   * Installs the receiver of all that happens, before the first byte is read; later, one that takes its place. When
   * `gatherLimit` bytes (64 KiB unless given) have come together, they are sent without waiting for the end of the turn.
   */
  open(handler: TransportHandler, gatherLimit?: number): void
}

/** What a transport tells its driver. `onClose` is the last call, and comes exactly once. */
export interface TransportHandler {
  /** Whether what comes is thrown away, so that reading it need not take memory. */
  readonly isDiscarding?: boolean
  /** Bytes, which the driver may change. Lent ones it may use only until the call returns, others are its own. */
  onData(bytes: Uint8Array, isLent: boolean): void
  /** The peer has sent its last byte. */
  onEnd(): void
  /** The turn ends, or `flush` was called, and gathered data is about to be written: the last chance to add to it. */
  onFlush(): void
  /** The operating system did not take everything at once. */
  onBlocked(): void
  /** The operating system has taken what it was handed over. */
  onDrain(): void
  /** The connection is closed. `reason` says why when it was an error. */
  onClose(reason: DisconnectReason | undefined): void
}

/** A file descriptor that should be a listening socket. */
export interface InheritedSocket {
  readonly descriptor: number
  /** Who has opened it; `own` is this very process. */
  readonly source: "LISTEN_FDS" | "PAGI_REUSE" | "own"
  /** What its opener calls it: systemd's name, or the address under which the other server was set up. */
  readonly name: string | undefined
  /** What tells the file at its path from others, if this process is to remove it in the end. */
  readonly identity?: string
  /** Whether systemd has opened it, whoever has passed it on. */
  readonly isForeign?: boolean
}

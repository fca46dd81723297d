/** What a close frame says, or 1005 for an empty one, and 1006 for the end of a connection without any. */
export interface CloseFrame {
  readonly code: number
  readonly reason: string
}

/** How a session was closed: by what its close frame says, 1005 for an empty one, and 1006 for an end without any. */
export interface CloseFrame {
  readonly code: number
  readonly reason: string
}

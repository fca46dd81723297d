/**
 * What one peer may send. 0 means that there is no limit; what exceeds the longest string that the runtime can make is
 * refused all the same.
 */
export interface Limits {
  /** Bytes in the payload of a data frame. */
  readonly maxFrameSize: number
  /** Bytes in a message, of all its frames together, as they are on the wire. */
  readonly maxMessageSize: number
  /** Frames of a message. */
  readonly maxFragments: number
}

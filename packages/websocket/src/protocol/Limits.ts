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

/** Code units of the longest string that V8 makes. A longer text could not be reported, and that would throw. */
const LONGEST_MESSAGE = 0x1fff_ffe8

/** A limit as a number to compare with. */
export const toMaximum = (limit: number): number => (limit === 0 ? Infinity : limit)

/** The most bytes that a message may have, compressed or not. */
export const messageMaximum = ({ maxMessageSize }: Limits): number =>
  Math.min(toMaximum(maxMessageSize), LONGEST_MESSAGE)

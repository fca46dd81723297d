/**
 * How long a connection lingers after its own side was closed, so that no reset for late bytes of the peer destroys what
 * is on its way to it (RFC 9112 §9.6).
 */

/** Ticks that a peer has to close its side after ours; a common choice is 2 s. */
export const lingerTicks = 20

/** Bytes that are read and discarded meanwhile. */
export const lingerBytes = 1_048_576

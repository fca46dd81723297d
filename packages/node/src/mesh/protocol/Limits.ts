/** How much the connections between the workers of a server may hold; in bytes unless it says otherwise. */

/** The protocol that this version speaks; processes of another one are not connected. */
export const version = 1

/** The longest text of a message or of a member. */
export const maxText = 16 * 1024 * 1024

/** The longest frame, without its length; and the longest one before the peer has said who it is. */
export const maxFrame = maxText + 1024
export const maxGreeting = 128

/** What may be sent of messages that the other process has not delivered yet, and after how much it says so. */
export const window = 1024 * 1024
export const creditStep = window / 4

/** Messages that wait for a peer: above the first, publishers wait for it, until there are no more than the second. */
export const highMark = 1024 * 1024
export const lowMark = highMark / 2

/** The most that ever waits for a peer; what comes then is dropped. A single message may be longer. */
export const hardLimit = 16 * 1024 * 1024

/** Of how many topics it is remembered that messages were dropped; of more, it is said of all. */
export const maxGaps = 64

/** Messages are put together in pieces of that size, each of which goes out in one write. */
export const chunkSize = 64 * 1024

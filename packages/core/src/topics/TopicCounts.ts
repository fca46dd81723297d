/** What a hub counts: plain numbers. */

export interface TopicCounts {
  /** Messages that this process has published. */
  published: number
  /** Messages that were put into the buffers of subscribers here, one for each subscriber. */
  delivered: number
  /** Messages that subscribers here did not get, one for each subscriber, by the reason; some were in a buffer before. */
  readonly dropped: { behind: number; unreadable: number }
  /** Who subscribes here. */
  subscribers: number
}

export const make = (): TopicCounts => ({
  published: 0,
  delivered: 0,
  dropped: { behind: 0, unreadable: 0 },
  subscribers: 0
})

/** What a hub counts: plain numbers. */
import type { GapReason } from "./TopicLink.ts"

export interface TopicCounts {
  /** Messages that this process has published. */
  published: number
  /** Messages that were put into the buffers of subscribers here, one for each subscriber. */
  delivered: number
  /** Messages that subscribers here did not get, one for each subscriber, by the reason; some were in a buffer before. */
  readonly dropped: { behind: number; unreadable: number }
  /** How often what connects the processes has told subscribers here of a gap, one for each subscriber, by the reason. */
  readonly gaps: Record<GapReason, number>
  /** Who subscribes here. */
  subscribers: number
}

export const make = (): TopicCounts => ({
  published: 0,
  delivered: 0,
  dropped: { behind: 0, unreadable: 0 },
  gaps: { disconnected: 0, overloaded: 0 },
  subscribers: 0
})

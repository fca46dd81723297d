/** What this process wants of others, and who of it is in topics: the same for all peers. */

/** What a process wants of a topic: its messages, or to know who is in it. */
export type Wish = "messages" | "members"

/** A wish and its topic, as a key of maps. */
export const keyOf = (wish: Wish, topic: string): string => (wish === "messages" ? "m" : "w") + topic

export const wishOf = (key: string): Wish => (key.startsWith("m") ? "messages" : "members")

export const topicOf = (key: string): string => key.slice(1)

/** The members of this process by topic, and what is told of them by their ids. */
export type Members = ReadonlyMap<string, ReadonlyMap<string, string>>

export interface Local {
  readonly id: string
  /** Keys of all that is wanted. */
  readonly wants: ReadonlySet<string>
  readonly members: Members
}

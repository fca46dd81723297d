/**
 * What connects the topics of this process with those of others: the seam between `TopicHub`, which knows who is here,
 * and what carries messages to other processes (the workers of a server, Redis). In one process there is none. What
 * programs are promised is in docs/topics.md; here is what a link does for that.
 */
import type * as Effect from "effect/Effect"
import type { LinkError } from "./LinkError.ts"

/** Somebody in a topic: known by an id that no other member has, in any process. */
export interface LinkedMember {
  readonly id: string
  /** What is told of it, as JSON. */
  readonly text: string
}

/** Why messages may be missing. */
export type GapReason =
  /** What connects the processes was interrupted: messages of meanwhile are lost. */
  | "disconnected"
  /** More was published than what connects the processes could carry. */
  | "overloaded"

/**
 * The way to other processes. Names are 1 to 255 bytes of UTF-8, texts of messages at most 1 MiB and those of members 16
 * KiB (`TopicLimits`). What fails does so after a bounded time.
 */
export interface TopicLink {
  /**
   * Somebody here subscribes to the topic, and nobody did before. Completes when everything comes that is published from
   * now on, in any process. When it fails or is interrupted, it is as if it had not been called; it is called again only
   * when it has ended.
   */
  readonly subscribe: (topic: string) => Effect.Effect<void, LinkError>
  /** Nobody here subscribes to the topic any more, after `subscribe` has succeeded. What still comes of it is ignored. */
  readonly unsubscribe: (topic: string) => void
  /**
   * Hands over a message, which goes to every other process that subscribes. Answers what the publisher is to wait for
   * when others are behind; nothing as a rule. Nobody need wait: the message is on its way.
   *
   * A message that a process cannot take in time is dropped for that process, whose subscribers are told of a gap in its
   * place when they can be reached again. That alone need not fail: the message may have reached everybody else. It fails
   * when the message may have reached nobody, as when what connects the processes is away or the message is too long.
   */
  readonly publish: (topic: string, text: string) => Effect.Effect<void, LinkError> | undefined
  /**
   * Somebody here wants to know who is in the topic, and nobody did before. Completes when the listener knows; otherwise
   * like `subscribe`.
   *
   * The listener forgets the members of the topic in other processes when it calls `unwatch`, and ignores what it is told
   * until it calls `watch` again. From then on it believes everything: a member that has left meanwhile is not to be
   * announced any more, or has to be told as left afterwards.
   */
  readonly watch: (topic: string) => Effect.Effect<void, LinkError>
  readonly unwatch: (topic: string) => void
  /** A member of this process has come. When it fails or is interrupted, `leave` is called nevertheless. */
  readonly join: (topic: string, member: LinkedMember) => Effect.Effect<void, LinkError>
  /** A member of this process has left. Whoever closes the member's scope waits for it. */
  readonly leave: (topic: string, id: string) => Effect.Effect<void>
}

/**
 * What a link tells. Calls come one at a time. The messages of one process to a topic, and the gaps between them, come in
 * the order in which it published them, and a member's coming before its leaving. Nothing else is in order: when one of
 * the two processes is behind, who comes or leaves may be told before messages that are older, or after newer ones.
 */
export interface LinkListener {
  /**
   * Another process has published to a topic that is subscribed to here. Answers what to wait for before that process may
   * go on, where a subscriber here has asked for it; nothing as a rule. That subscriber has the message when it completes,
   * and does not get it when it is interrupted: the link runs it, and interrupts it if its own scope closes.
   */
  readonly onMessage: (topic: string, text: string) => Effect.Effect<void> | undefined
  /** Messages to the topic may be missing, or to all of them when none is named. */
  readonly onGap: (topic: string | undefined, reason: GapReason) => void
  /** A member of another process is in the topic; may be told again. */
  readonly onJoin: (topic: string, process: string, member: LinkedMember) => void
  readonly onLeave: (topic: string, process: string, id: string) => void
  /** Another process has ended or is lost, with all of its members. */
  readonly onProcessGone: (process: string) => void
}

/** Connects this process; the link is there until the scope closes. */
export type MakeLink<E = never, R = never> = (listener: LinkListener) => Effect.Effect<TopicLink, E, R>

/**
 * What connects the topics of this process with those of others: the seam between `TopicHub`, which knows who is here,
 * and what carries messages to other processes (the workers of a server, Redis). In one process there is none.
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

/** The way to other processes. */
export interface TopicLink {
  /**
   * Somebody here subscribes to the topic, and nobody did before. Completes when everything comes that is published from
   * now on, in any process. When it fails or is interrupted, it is as if it had not been called.
   */
  readonly subscribe: (topic: string) => Effect.Effect<void, LinkError>
  /** Nobody here subscribes to the topic any more. */
  readonly unsubscribe: (topic: string) => void
  /**
   * Hands over a message, which goes to every other process that subscribes. Answers what the publisher is to wait for
   * when others are behind; nothing as a rule. It fails when the message cannot be carried in time: others are then told
   * of a gap.
   */
  readonly publish: (topic: string, text: string) => Effect.Effect<void, LinkError> | undefined
  /** Somebody here wants to know who is in the topic, and nobody did before. Completes when the listener knows. */
  readonly watch: (topic: string) => Effect.Effect<void, LinkError>
  readonly unwatch: (topic: string) => void
  /** A member of this process has come. */
  readonly join: (topic: string, member: LinkedMember) => Effect.Effect<void, LinkError>
  /** A member of this process has left. */
  readonly leave: (topic: string, id: string) => Effect.Effect<void>
}

/** What a link tells. Calls come one at a time, and those of one process in the order in which it did what they tell. */
export interface LinkListener {
  /**
   * Another process has published to a topic that is subscribed to here. Answers what to wait for before that process may
   * go on, where a subscriber here has asked for it; nothing as a rule.
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

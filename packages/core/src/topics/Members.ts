/** Who is in a topic: joins, lists and watches. */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Pull from "effect/Pull"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Presence } from "./Presence.ts"
import { encode } from "./Publish.ts"
import { Topics } from "./Service.ts"
import { nameProblem, type WithMembers } from "./Topic.ts"
import { TopicCodec } from "./TopicCodec.ts"
import type { TopicError } from "./TopicError.ts"
import type { TopicHub } from "./TopicHub.ts"
import { maxMemberBytes } from "./TopicLimits.ts"
import type { LeaveReason, MembersChange, MembersWatcher, Present } from "./TopicMembers.ts"
import { TopicMessage } from "./TopicMessage.ts"
import { whileOpen } from "./whileOpen.ts"

/** Somebody who is in a topic. */
export interface Member<M> {
  /** Different from that of all others, in any process. */
  readonly id: string
  readonly value: M
}

/** What there is to tell of the members of a topic, in order. */
export type PresenceEvent<M> =
  /** Everybody who is there: first of all, and again when a watcher was so far behind that changes were lost. */
  | { readonly type: "present"; readonly members: ReadonlyArray<Member<M>> }
  | { readonly type: "joined"; readonly member: Member<M> }
  | { readonly type: "left"; readonly member: Member<M>; readonly reason: LeaveReason }

/**
 * Is in the topic until the scope closes, and in no case longer than this process. Yields the id by which others know the
 * member. What is told of it is to have at most 16 KiB as JSON.
 */
export const join = <A, M>(
  topic: WithMembers<A, M>,
  member: M
): Effect.Effect<string, TopicError, Topics | Scope.Scope> =>
  Effect.gen(function* () {
    const { hub } = yield* Topics
    const { name } = topic
    const told = encode(name, TopicCodec.of(topic.member), member, maxMemberBytes)
    if (!(told instanceof TopicMessage)) return yield* Effect.fail(told)
    const present: Present = { id: hub.nextId(), told }
    yield* whileOpen(
      () => hub.join(name, present),
      Effect.suspend(() => hub.leave(name, present.id))
    )
    return present.id
  })

/** Everybody who is in the topic now, in any process. */
export const members = <A, M>(topic: WithMembers<A, M>): Effect.Effect<ReadonlyArray<Member<M>>, TopicError, Topics> =>
  Effect.gen(function* () {
    const { hub } = yield* Topics
    yield* watch(hub, topic, { onChange: () => {}, close: () => {} })
    return present(hub, topic)
  }).pipe(Effect.scoped)

/** Everybody who is in the topic, at once, and then who comes and goes. */
export const presence = <A, M>(topic: WithMembers<A, M>): Stream.Stream<PresenceEvent<M>, TopicError, Topics> =>
  Effect.gen(function* () {
    const { hub } = yield* Topics
    const watcher = new Presence()
    yield* watch(hub, topic, watcher)
    const next: Pull.Pull<Arr.NonEmptyReadonlyArray<PresenceEvent<M>>> = Effect.flatMap(watcher.ready, () => {
      if (watcher.isClosed) return Cause.done()
      const changes = watcher.take()
      if (changes === undefined) return Effect.succeed([{ type: "present", members: present(hub, topic) }] as const)
      const events = changes.flatMap((change) => presenceEvent(hub, topic, change))
      return Arr.isReadonlyArrayNonEmpty(events) ? Effect.succeed(events) : next
    })
    return Stream.fromPull(Effect.succeed(next))
  }).pipe(Stream.unwrap)

const watch = (hub: TopicHub, { name }: { readonly name: string }, watcher: MembersWatcher) =>
  Effect.suspend(() => {
    const problem = nameProblem(name)
    if (problem !== undefined) return Effect.fail(problem)
    return whileOpen(
      () => hub.watch(name, watcher),
      Effect.sync(() => hub.unwatch(name, watcher))
    )
  })

const present = <A, M>(hub: TopicHub, topic: WithMembers<A, M>): ReadonlyArray<Member<M>> =>
  hub.members(topic.name).flatMap((one) => memberOf(hub, topic, one))

/** As a list, which is empty for a member of whom another version of the program tells. */
const memberOf = <A, M>(hub: TopicHub, topic: WithMembers<A, M>, { id, told }: Present): Array<Member<M>> => {
  const value = told.value(TopicCodec.of(topic.member))
  if (Result.isSuccess(value)) return [{ id, value: value.success }]
  hub.onUnreadable(topic.name, value.failure)
  return []
}

const presenceEvent = <A, M>(
  hub: TopicHub,
  topic: WithMembers<A, M>,
  change: MembersChange
): Array<PresenceEvent<M>> => {
  const [member] = memberOf(hub, topic, change.member)
  return member === undefined ? [] : [{ ...change, member }]
}

/** Joins the topics of this process with those of the other workers of its server. */
import type { LinkListener, MakeLink, TopicLink } from "@pagi/core/topics/TopicLink"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import type * as EffectScope from "effect/Scope"
import { codeOf } from "../accept/ListenError.ts"
import * as ClaimedFolder from "../process/ClaimedFolder.ts"
import { maxPathLength } from "../process/PoolFolder.ts"
import { MeshSockets, type SocketsListener } from "./MeshSockets.ts"
import * as Sweep from "./Sweep.ts"
import type { Connection } from "./protocol/Connection.ts"
import { version } from "./protocol/Limits.ts"
import type { Wish } from "./protocol/Local.ts"

/** How long, in milliseconds, a process that does not answer keeps others from beginning, and from subscribing. */
const patience = 5000

/** How long, in milliseconds, publishers wait for a process that is behind. */
const publishPatience = 1000

/** How long, in milliseconds, what was published last may take to leave. */
const departPatience = 1000

/**
 * The link of a worker, in a folder that it makes if need be.
 *
 * What is told when a process is too busy to read: publishers wait for it a second, then what is for it is dropped until it
 * has read the rest, and its subscribers are told of a gap. A process that is too busy to answer a new subscription keeps
 * it waiting for five seconds; then it begins, and is told of a gap when the answer comes.
 */
export const make =
  (folder: string): MakeLink<ClaimedFolder.PoolFolderError, EffectScope.Scope> =>
  (listener) =>
    Effect.gen(function* () {
      const run = yield* FiberSet.makeRuntime<never>()
      const settling = new Settling()
      let hasWarned = false
      let isHidden = false
      const sockets = yield* open(folder, {
        onMessage: (connection, topic, text) => {
          const wait = listener.onMessage(topic, text)
          if (wait === undefined) return false
          run(
            Effect.ensuring(
              wait,
              Effect.sync(() => connection.resume())
            )
          )
          return true
        },
        onGap: listener.onGap,
        onJoined: (peer, topic, id, text) => listener.onJoin(topic, peer, { id, text }),
        onLeft: (peer, topic, id) => listener.onLeave(topic, peer, id),
        onGone: listener.onProcessGone,
        onSettled: (peer) => settling.settle(peer),
        onHidden: (error) => {
          if (isHidden) return
          isHidden = true
          run(
            Effect.logWarning(
              "the folder in which workers find each other was removed, and cannot be made again: " +
                "workers that begin from now on do not share topics with this one",
              error
            )
          )
        },
        onOtherVersion: (theirs) => {
          if (hasWarned) return
          hasWarned = true
          run(
            Effect.logWarning(
              `topics are not shared with workers of another version of this server: they speak version ${theirs} ` +
                `of the protocol between workers, and this one ${version}; each goes on with its like`
            )
          )
        }
      })
      sockets.keepListening()
      const late = yield* settling.wait(sockets.connect())
      for (const peer of late) sockets.mesh.proceedWithout(peer)
      if (late.length > 0)
        yield* Effect.logWarning(`topics begin without ${late.length} other workers, which have not answered in time`)
      return linkOf(sockets, listener)
    })

/** Waits for the first answers of those who are there at the beginning. */
class Settling {
  #waiting = new Set<string>()
  readonly #done = Deferred.makeUnsafe<void>()

  settle(peer: string): void {
    if (this.#waiting.delete(peer) && this.#waiting.size === 0) Deferred.doneUnsafe(this.#done, Effect.void)
  }

  /** Answers who has not answered in time. */
  wait(peers: ReadonlyArray<string>): Effect.Effect<ReadonlyArray<string>> {
    if (peers.length === 0) return Effect.succeed([])
    this.#waiting = new Set(peers)
    return Effect.map(Effect.timeoutOption(Deferred.await(this.#done), patience), () => [...this.#waiting])
  }
}

/** Listens in the folder until the scope closes. */
const open = (
  folder: string,
  listener: SocketsListener
): Effect.Effect<MeshSockets, ClaimedFolder.PoolFolderError, EffectScope.Scope> =>
  Effect.acquireRelease(
    Effect.retry(Effect.andThen(Sweep.claim(folder), listen(folder, listener)), {
      // An old folder that is empty may be removed just now.
      times: 3,
      while: ({ reason }) => reason.includes("ENOENT")
    }),
    (sockets) =>
      Effect.callback<void>((resume) => sockets.depart(() => resume(Effect.void))).pipe(
        Effect.interruptible,
        Effect.timeoutOption(departPatience),
        Effect.ensuring(Effect.sync(() => sockets.close()))
      )
  )

const listen = (folder: string, listener: SocketsListener): Effect.Effect<MeshSockets, ClaimedFolder.PoolFolderError> =>
  Effect.callback((resume) => {
    const sockets = new MeshSockets(folder, listener)
    const refuse = (reason: string) => resume(Effect.fail(new ClaimedFolder.PoolFolderError({ folder, reason })))
    if (Buffer.byteLength(sockets.path) > maxPathLength) return refuse("is too long for a socket")
    sockets.listen(
      () => resume(Effect.succeed(sockets)),
      (error) => {
        sockets.close()
        refuse(`cannot have a socket (${codeOf(error)})`)
      }
    )
  })

const linkOf = ({ mesh }: MeshSockets, listener: LinkListener): TopicLink => {
  const want = (wish: Wish, topic: string) =>
    Effect.suspend(() => {
      mesh.want(wish, topic)
      return Effect.onInterrupt(confirmed(wish, topic), () => Effect.sync(() => mesh.unwant(wish, topic)))
    })
  /** Completes when all others have answered, or after a time: then the answer is told as a gap. */
  const confirmed = (wish: Wish, topic: string): Effect.Effect<void> => {
    let isLate = false
    return Effect.callback<void>((resume) => {
      mesh.whenConfirmed(wish, topic, () => {
        if (isLate) listener.onGap(topic, "disconnected")
        else resume(Effect.void)
      })
    }).pipe(
      Effect.timeoutOrElse({
        duration: patience,
        orElse: () =>
          Effect.sync(() => {
            isLate = true
          })
      })
    )
  }
  return {
    subscribe: (topic) => want("messages", topic),
    unsubscribe: (topic) => mesh.unwant("messages", topic),
    watch: (topic) => want("members", topic),
    unwatch: (topic) => mesh.unwant("members", topic),
    publish: (topic, text) => {
      const behind = mesh.publish(topic, text)
      return behind === undefined ? undefined : drained(behind)
    },
    join: (topic, { id, text }) => Effect.sync(() => mesh.join(topic, id, text)),
    leave: (topic, id) => Effect.sync(() => mesh.leave(topic, id))
  }
}

/** Waits until none of them is behind; those that take too long are not waited for any more. */
const drained = (connections: ReadonlyArray<Connection>): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    const behind = connections.filter(({ outbox }) => outbox.isBehind)
    let left = behind.length
    if (left === 0) return resume(Effect.void)
    const done = (): void => {
      left -= 1
      if (left === 0) resume(Effect.void)
    }
    const cancels = behind.map(({ outbox }) => outbox.whenDrained(done))
    return Effect.sync(() => {
      for (const cancel of cancels) cancel()
    })
  }).pipe(
    Effect.timeoutOrElse({
      duration: publishPatience,
      orElse: () =>
        Effect.sync(() => {
          for (const { outbox } of connections) outbox.giveUp()
        })
    })
  )

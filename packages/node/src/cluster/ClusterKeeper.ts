/**
 * Keeps the locks of a cluster for the workers of a server, in the memory of their supervisor. It is loaded when the first
 * worker asks, so that servers whose applications have no cluster know nothing of it.
 */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"
import { randomInt } from "node:crypto"
import { claim, PoolFolderError } from "../process/ClaimedFolder.ts"
import * as PoolFolder from "../process/PoolFolder.ts"
import { codeOf } from "../accept/ListenError.ts"
import { FollowingAuthority } from "./ClusterAuthority.ts"
import * as ClusterLink from "./ClusterLink.ts"
import { asRequest, type ClusterAnswer } from "./ClusterRequest.ts"
import { socketOf } from "./RunnerSocket.ts"
import { ShardLocks } from "./ShardLocks.ts"

export interface ClusterKeeper {
  /** Of a worker that has not ended. */
  readonly ask: (worker: number, request: unknown, answer: (answer: ClusterAnswer) => void) => void
  /** The worker's process has ended. */
  readonly gone: (worker: number) => void
}

export interface KeeperSettings {
  /** Of the pool. */
  readonly folder: string
  /** The process that this server takes over from, if there is one. */
  readonly predecessor: number | undefined
  /** Whether that process goes on to keep a cluster: then its socket comes back if somebody has removed it. */
  readonly isKeptBefore?: () => boolean
  /** The process that keeps the locks. */
  readonly pid: number
  /** Milliseconds that workers may go on to have entities when their supervisor was killed. */
  readonly orphansEnd?: number
}

/** Milliseconds between two looks for a socket that is missing. */
const searchInterval = 100

/** They notice it at once, and end their entities without waiting for requests; what takes long are large programs. */
const orphansEnd = 3000

const patienceOf = (settings: KeeperSettings): number => settings.orphansEnd ?? orphansEnd

export const make = (settings: KeeperSettings): Effect.Effect<ClusterKeeper, PoolFolderError, Scope.Scope> =>
  Effect.gen(function* () {
    const { folder, pid, predecessor } = settings
    yield* claim(folder)
    const locks = new ShardLocks(randomInt(1024))
    const authority = new FollowingAuthority(locks)
    const path = ClusterLink.pathOf(folder, pid)
    // Of a process that had this number before.
    PoolFolder.removeSocket(path)
    // Before anybody has a shard: a successor that finds no socket takes it for granted that nobody has any.
    const socket = yield* Effect.acquireRelease(
      Effect.tryPromise({
        try: () => ClusterLink.listen(path, authority, patienceOf(settings)),
        catch: (error) => new PoolFolderError({ folder, reason: `has no room for a socket (${codeOf(error)})` })
      }),
      ({ close }) => Effect.sync(() => close(locks.mayGive))
    )
    if (predecessor === undefined) authority.alone(true)
    else {
      const ended = yield* follow(authority, settings, ClusterLink.pathOf(folder, predecessor))
      // One in the middle of three: the last asks the first through it.
      yield* Effect.addFinalizer(() => (socket.hasSuccessor() ? ended : Effect.void))
    }
    const nameOf = (worker: number): string => `${pid}-${worker}`
    return {
      ask: (worker, asked, answer) => {
        const request = asRequest(asked)
        if (request === undefined) return answer({ type: "refused", reason: "the supervisor is of another version" })
        authority.ask(nameOf(worker), request, answer)
      },
      gone: (worker) => {
        for (const address of locks.addressesOf(nameOf(worker))) removeSocket(folder, address)
        authority.gone(nameOf(worker))
      }
    }
  })

/** Has the predecessor answer as long as it is there; yields what completes when it has ended. */
const follow = (
  authority: FollowingAuthority,
  settings: KeeperSettings,
  path: string
): Effect.Effect<Effect.Effect<void>, never, Scope.Scope> =>
  Effect.gen(function* () {
    const ended = Latch.makeUnsafe(false)
    const log = Effect.runForkWith(yield* Effect.context<never>())
    let timer: NodeJS.Timeout | undefined
    const after = (delay: number, run: () => void): void => {
      timer = setTimeout(run, delay)
      timer.unref()
    }
    const onEnd = (end: ClusterLink.LinkEnd): void => {
      if (end === "missing" && settings.isKeptBefore?.() === true) {
        after(searchInterval, () => {
          link = connect()
        })
        return
      }
      authority.alone(end !== "lost")
      ended.openUnsafe()
      after(patienceOf(settings), () => authority.settled())
    }
    const onStranger = (): void => {
      authority.alone(false)
      log(
        Effect.logWarning(
          "the server before this one has another version: entities of the cluster begin here when its last worker has ended"
        )
      )
    }
    const connect = () =>
      ClusterLink.connect(path, {
        onLinked: (linked) => authority.linked(linked),
        onAnswer: (number, answer) => authority.answered(number, answer),
        onStranger,
        onEnd
      })
    let link = connect()
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        clearTimeout(timer)
        link.close()
      })
    )
    return ended.await
  })

/** One that was killed could not do it itself. */
const removeSocket = (folder: string, address: string): void => {
  const path = socketOf(folder, address)
  if (path !== undefined) PoolFolder.removeSocket(path)
}

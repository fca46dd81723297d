/** Effect's storage of runners and their locks, as the supervisor of the workers keeps it. */
import { PersistenceError } from "effect/cluster/ClusterError"
import * as RunnerStorage from "effect/cluster/RunnerStorage"
import * as Effect from "effect/Effect"
import { asAnswer, type ClusterAnswer, type ClusterRequest } from "./ClusterRequest.ts"

type AnswerOf<Type extends ClusterAnswer["type"]> = Extract<ClusterAnswer, { readonly type: Type }>

const hasEnded: ClusterAnswer = { type: "refused", reason: "the supervisor of this worker has ended" }

/** Without the supervisor there is nobody to tell anything, and this worker has no shard any more. */
const whenLost: Readonly<Record<ClusterAnswer["type"], ClusterAnswer>> = {
  done: { type: "done" },
  shards: { type: "shards", shards: [] },
  runners: hasEnded,
  registered: hasEnded,
  refused: hasEnded
}

/**
 * Milliseconds after which is looked again for shards that are still somebody's: who has to let go of them needs a moment
 * mostly, and Effect asks again only after a second.
 */
const pauses = [20, 30, 50, 100, 150]

const failure = (reason: string) => new PersistenceError({ cause: new Error(reason) })

/** Whoever answers; with nothing, where that is nobody any more. */
export interface LocksChannel {
  readonly ask: (request: ClusterRequest, answer: (answer: object | undefined) => void) => void
}

export const make = (channel: LocksChannel): RunnerStorage.RunnerStorage["Service"] => {
  const ask = <Type extends ClusterAnswer["type"]>(request: ClusterRequest, expected: Type) =>
    Effect.callback<AnswerOf<Type>, PersistenceError>((resume) => {
      channel.ask(request, (given) => {
        const answer = given === undefined ? whenLost[expected] : asAnswer(given)
        // That is what the comparison says, to which a parameter of a type is opaque.
        if (answer?.type === expected) resume(Effect.succeed(answer as AnswerOf<Type>))
        else resume(Effect.fail(failure(problemOf(answer))))
      })
    })
  return RunnerStorage.makeEncoded({
    getRunners: Effect.map(ask({ type: "runners" }, "runners"), ({ runners }) => [...runners]),
    register: (address, runner, healthy) =>
      Effect.map(ask({ type: "register", address, runner, healthy }, "registered"), ({ machine }) => machine),
    unregister: (address) => ask({ type: "unregister", address }, "done"),
    setRunnerHealth: (address, healthy) => ask({ type: "health", address, healthy }, "done"),
    acquire: (address, shards) => {
      const acquire = Effect.map(ask({ type: "acquire", address, shards }, "shards"), (answer) => [...answer.shards])
      return Effect.gen(function* () {
        let had = yield* acquire
        for (const pause of pauses) {
          if (had.length === shards.length) break
          yield* Effect.sleep(pause)
          had = yield* acquire
        }
        return had
      })
    },
    refresh: (address, shards) =>
      Effect.map(ask({ type: "refresh", address, shards }, "shards"), (answer) => answer.shards),
    release: (address, shard) => ask({ type: "release", address, shard }, "done"),
    releaseAll: (address) => ask({ type: "releaseAll", address }, "done")
  })
}

const problemOf = (answer: ClusterAnswer | undefined): string =>
  answer?.type === "refused" ? answer.reason : "the supervisor has not answered what was asked"

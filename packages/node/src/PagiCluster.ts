/**
 * Entities of Effect's cluster over the workers of a server, without a database.
 *
 * The supervisor of the workers keeps who has which shard, in its memory; workers reach each other by Unix sockets. When a
 * worker ends, however it does, others have its entities within two seconds, and no entity ever lives in two of them.
 * Without workers there is one runner, and the program is the same.
 */
import * as MessageStorage from "effect/cluster/MessageStorage"
import * as RunnerAddress from "effect/cluster/RunnerAddress"
import * as RunnerHealth from "effect/cluster/RunnerHealth"
import type * as Runners from "effect/cluster/Runners"
import * as RunnerStorage from "effect/cluster/RunnerStorage"
import * as Sharding from "effect/cluster/Sharding"
import * as ShardingConfig from "effect/cluster/ShardingConfig"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import { SocketServer, type SocketServerError } from "effect/socket/SocketServer"
import type { SqlClient } from "effect/sql/SqlClient"
import { randomInt } from "node:crypto"
import * as LastRunner from "./cluster/LastRunner.ts"
import * as PoolRunnerStorage from "./cluster/PoolRunnerStorage.ts"
import * as RunnerProtocol from "./cluster/RunnerProtocol.ts"
import * as RunnerSocket from "./cluster/RunnerSocket.ts"
import { ShardLocks } from "./cluster/ShardLocks.ts"
import * as SteadyRunners from "./cluster/SteadyRunners.ts"
import type { SqlClusterOptions } from "./cluster/SqlCluster.ts"
import * as Sweep from "./mesh/Sweep.ts"
import { PoolFolderError } from "./process/ClaimedFolder.ts"
import { Pool, type PoolPlace } from "./process/Pool.ts"

export { PoolFolderError, type SqlClusterOptions }

export interface PagiClusterOptions {
  /**
   * What `ShardingConfig` is to be beside the addresses, which the cluster finds itself. All workers must have the same
   * `shardsPerGroup` and `availableShardGroups`.
   *
   * Other than Effect's defaults are `refreshAssignmentsInterval`, 250 ms; `entityMessagePollInterval`, 2 s; and
   * `entityTerminationTimeout`, 4 s, as a worker that leaves has to have ended by `shutdownTimeout` and a few seconds.
   */
  readonly shardingConfig?: Partial<
    Omit<ShardingConfig.ShardingConfig["Service"], "runnerAddress" | "runnerListenAddress">
  >
}

/** What stops a worker from taking part: there is no place for sockets, or no socket can be opened in it. */
export type PagiClusterError = PoolFolderError | SocketServerError

/** How soon workers know of others, and have to be done with what they had. */
const timings: Partial<ShardingConfig.ShardingConfig["Service"]> = {
  refreshAssignmentsInterval: 250,
  entityMessagePollInterval: 2000,
  entityTerminationTimeout: 4000
}

const config = (options: PagiClusterOptions, address: RunnerAddress.RunnerAddress) =>
  ShardingConfig.layer({ ...timings, ...options.shardingConfig, runnerAddress: Option.some(address) })

/**
 * The cluster of the workers of this server, for entities whose messages are not persisted: provide it to the layers of
 * entities and to whoever makes clients of them. Nothing else is needed.
 *
 * A message goes to the worker that has the entity, and is sent again when that worker has ended before the reply came, so
 * it may have been handled twice. A message of an entity that is annotated as persisted is a defect: `layerStored` has a
 * place for those.
 */
export const layer = (
  options: PagiClusterOptions = {}
): Layer.Layer<Sharding.Sharding | Runners.Runners | MessageStorage.MessageStorage, PagiClusterError> =>
  Layer.provideMerge(layerStored(options), MessageStorage.layerNoop)

/**
 * The same with a storage of messages that outlives workers, such as `SqlMessageStorage` of Effect's, in which persisted
 * messages wait for an entity. Only one server may use that storage; several of them need `layerSql`.
 */
export const layerStored = (
  options: PagiClusterOptions = {}
): Layer.Layer<Sharding.Sharding | Runners.Runners, PagiClusterError, MessageStorage.MessageStorage> =>
  Layer.unwrap(Effect.map(Pool, (pool) => (pool === undefined ? alone(options) : ofWorker(pool, options))))

/**
 * A cluster of any number of machines, whose database has the locks and the messages; with PostgreSQL both are as they
 * should be. Each process, be it a worker or not, is a runner that others reach over TCP, at a port that the system
 * chooses. Whoever can connect to that port can send messages to entities: the network has to be a private one.
 *
 * The error is that the port cannot be opened.
 */
export const layerSql = (
  options: SqlClusterOptions
): Layer.Layer<Sharding.Sharding | Runners.Runners | MessageStorage.MessageStorage, SocketServerError, SqlClient> =>
  // What others do not need, they do not load.
  Layer.unwrap(
    Effect.map(
      Effect.promise(() => import("./cluster/SqlCluster.ts")),
      (module) => module.layer(options)
    )
  )

/** The locks of the only runner. */
const localChannel = (): PoolRunnerStorage.LocksChannel => {
  const locks = new ShardLocks()
  return { ask: (request, answer) => answer(locks.ask("this process", request)) }
}

const storage = (channel: () => PoolRunnerStorage.LocksChannel) =>
  Layer.sync(RunnerStorage.RunnerStorage, () => LastRunner.patient(PoolRunnerStorage.make(channel())))

const alone = (options: PagiClusterOptions) =>
  Sharding.layer.pipe(
    Layer.provideMerge(SteadyRunners.layerAlone),
    Layer.provide([storage(localChannel), RunnerHealth.layerNoop]),
    Layer.provide(config(options, RunnerAddress.make(RunnerSocket.host, 1)))
  )

const ofWorker = (pool: PoolPlace, options: PagiClusterOptions) =>
  Layer.effectContext(
    Effect.gen(function* () {
      const { cluster, folder } = pool
      yield* Sweep.claim(folder)
      const port = randomInt(1, RunnerSocket.highestPort)
      const runner = RunnerProtocol.layerRunner.pipe(
        Layer.provide([
          Layer.effect(SocketServer, RunnerProtocol.listenIn(folder, RunnerSocket.pathOf(folder, port))),
          RunnerProtocol.layerClient((address) => ({ path: RunnerSocket.pathOf(folder, address.port) })),
          storage(() => cluster),
          // The supervisor sees the end of a worker, and has those killed that hang.
          RunnerHealth.layerNoop
        ]),
        Layer.provide([RunnerProtocol.layerSerialization, config(options, RunnerAddress.make(RunnerSocket.host, port))])
      )
      const scope = yield* Effect.acquireRelease(Scope.make(), Scope.close)
      const run = Effect.runForkWith(yield* Effect.context<never>())
      const context = yield* Layer.buildWithScope(runner, scope)
      // Without the supervisor nobody says any more what is whose: another server could have the same entities soon.
      yield* Effect.acquireRelease(
        Effect.sync(() => cluster.onLost(() => void run(Scope.close(scope, Exit.void)))),
        (forget) => Effect.sync(forget)
      )
      return context
    })
  )

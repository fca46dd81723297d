/** A runner whose locks and messages are in a database, reached over TCP. */
import * as NodeCrypto from "@effect/platform-node/NodeCrypto"
import * as RunnerAddress from "effect/cluster/RunnerAddress"
import * as RunnerHealth from "effect/cluster/RunnerHealth"
import { RunnerStorage } from "effect/cluster/RunnerStorage"
import * as ShardingConfig from "effect/cluster/ShardingConfig"
import * as SqlMessageStorage from "effect/cluster/SqlMessageStorage"
import * as SqlRunnerStorage from "effect/cluster/SqlRunnerStorage"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { SocketServer } from "effect/socket/SocketServer"
import * as LastRunner from "./LastRunner.ts"
import * as RunnerProtocol from "./RunnerProtocol.ts"
import * as SteadyRunners from "./SteadyRunners.ts"

export interface SqlClusterOptions {
  /** The name or address by which other machines reach this one. */
  readonly host: string
  /** The address at which runners listen; that of `host` unless it is said. */
  readonly listenHost?: string
  /**
   * What `ShardingConfig` is to be beside the addresses. Other than Effect's defaults are `refreshAssignmentsInterval`, 1 s;
   * `entityMessagePollInterval`, 2 s; `runnerHealthCheckInterval`, 2 s; `shardLockRefreshInterval`, 5 s;
   * `shardLockExpiration`, 15 s; and `entityTerminationTimeout`, 4 s.
   */
  readonly shardingConfig?: Partial<
    Omit<ShardingConfig.ShardingConfig["Service"], "runnerAddress" | "runnerListenAddress">
  >
}

/** A machine that is gone is known by the end of its lock's time at the latest. */
const timings: Partial<ShardingConfig.ShardingConfig["Service"]> = {
  refreshAssignmentsInterval: 1000,
  entityMessagePollInterval: 2000,
  runnerHealthCheckInterval: 2000,
  shardLockRefreshInterval: 5000,
  shardLockExpiration: 15_000,
  entityTerminationTimeout: 4000
}

const storage = Layer.effect(RunnerStorage, Effect.map(RunnerStorage, LastRunner.patient)).pipe(
  Layer.provide(SqlRunnerStorage.layer)
)

export const layer = (options: SqlClusterOptions) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const { host, listenHost = host } = options
      const server = yield* RunnerProtocol.listen({ host: listenHost, port: 0 })
      // That it is one of TCP is what it was asked for.
      const port = "port" in server.address ? server.address.port : 0
      const client = RunnerProtocol.layerClient((address) => ({ host: address.host, port: address.port }))
      return RunnerProtocol.layerRunner.pipe(
        Layer.provide([
          Layer.succeed(SocketServer, server),
          // The layer of the runners is built once: who is well is asked over the connections that there are.
          RunnerHealth.layerPing.pipe(Layer.provide(SteadyRunners.layer))
        ]),
        Layer.provide(client),
        Layer.provideMerge(SqlMessageStorage.layer.pipe(Layer.provide(NodeCrypto.layerDigest))),
        // A database that cannot be used is not something from which a program could go on.
        Layer.provide(Layer.orDie(storage)),
        Layer.provide([
          RunnerProtocol.layerSerialization,
          ShardingConfig.layer({
            ...timings,
            ...options.shardingConfig,
            runnerAddress: Option.some(RunnerAddress.make(host, port))
          })
        ])
      )
    })
  )

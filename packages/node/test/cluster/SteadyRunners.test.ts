import { assert, describe, it } from "@effect/vitest"
import * as Entity from "effect/cluster/Entity"
import { EntityNotAssignedToRunner, MailboxFull } from "effect/cluster/ClusterError"
import * as EntityAddress from "effect/cluster/EntityAddress"
import * as EntityId from "effect/cluster/EntityId"
import * as Envelope from "effect/cluster/Envelope"
import * as Message from "effect/cluster/Message"
import * as RunnerAddress from "effect/cluster/RunnerAddress"
import type { Runners } from "effect/cluster/Runners"
import * as ShardId from "effect/cluster/ShardId"
import * as Snowflake from "effect/cluster/Snowflake"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Rpc from "effect/rpc/Rpc"
import { steady } from "../../src/cluster/SteadyRunners.ts"

const entity = Entity.make("Counter", [Rpc.make("Add")])

const address = EntityAddress.make({
  shardId: ShardId.make("default", 1),
  entityId: EntityId.make("one"),
  entityType: entity.type
})

const message = new Message.OutgoingEnvelope({
  envelope: new Envelope.Interrupt({ id: Snowflake.Snowflake(1n), address, requestId: Snowflake.Snowflake(2n) }),
  rpc: Rpc.make("Add")
})

type Sent = ReturnType<Runners["Service"]["send"]>

/** Runners by which each message becomes the same. */
const runners = (sent: Effect.Effect<void, MailboxFull>) => {
  const unused: Effect.Effect<never> = Effect.die("unused")
  const { send, sendLocal } = steady({
    ping: () => unused,
    notify: () => unused,
    notifyLocal: () => unused,
    onRunnerUnavailable: () => unused,
    send: () => sent,
    sendLocal: () => sent
  })
  const remotely: Sent = send({ address: RunnerAddress.make("pagi.pool", 1), message })
  const locally = sendLocal({ message, send: () => unused, simulateRemoteSerialization: false })
  return { remotely, locally }
}

describe("runners of which no request is lost", () => {
  it.effect("have those sent again that an entity has interrupted which leaves", () =>
    Effect.gen(function* () {
      const { locally, remotely } = runners(Effect.interrupt)
      assert.strictEqual((yield* Effect.flip(remotely))._tag, "RunnerUnavailable")
      assert.instanceOf(yield* Effect.flip(locally), EntityNotAssignedToRunner)
    })
  )

  it.effect("leave everything else as it is", () =>
    Effect.gen(function* () {
      for (const send of Object.values(runners(Effect.void))) yield* send
      for (const send of Object.values(runners(Effect.fail(new MailboxFull({ address }))))) {
        assert.strictEqual((yield* Effect.flip(send))._tag, "MailboxFull")
      }
      for (const send of Object.values(runners(Effect.die("a fault")))) {
        assert.isTrue(Exit.hasDies(yield* Effect.exit(send)))
      }
    })
  )

  it.effect("end with whoever has sent something", () =>
    Effect.gen(function* () {
      for (const send of Object.values(runners(Effect.never))) {
        const fiber = yield* Effect.forkChild(send, { startImmediately: true })
        yield* Fiber.interrupt(fiber)
        const exit = yield* Fiber.await(fiber)
        assert.isTrue(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
      }
    })
  )
})

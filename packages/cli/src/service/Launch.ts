/** What a process finds out about its start, and what it does before it serves. */
import { longestTimer } from "@pagi/core/options/OptionKind"
import type { Values } from "@pagi/core/options/ServerOptions"
import { predecessorOf } from "@pagi/node/listen/InheritedSockets"
import { startAllowance } from "@pagi/node/pool/StartAllowance"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as CommandLine from "../plan/CommandLine.ts"
import * as Daemon from "./Daemon.ts"
import * as ExitCode from "../program/ExitCode.ts"
import type { ProcessPlan } from "../plan/ServerPlan.ts"
import { UsageError } from "../plan/ServerValues.ts"
import * as ProcessOne from "./ProcessOne.ts"
import * as SystemdNotify from "./SystemdNotify.ts"

/** Who has started the process, and what for. */
export class Launch extends Context.Service<
  Launch,
  {
    /** The process whose place this one is to take; the sockets that it leaves are claimed by whoever listens. */
    readonly predecessor: number | undefined
    /** The way to the launcher, in the background. */
    readonly channel: Daemon.Channel | undefined
    /** How to reach systemd. */
    readonly systemd: SystemdNotify.Target | undefined
    /** Whether it is the first one of a container, which ends with it; then no other process can take its place. */
    readonly isFirst: boolean
  }
>()("@pagi/cli/Launch") {}

/**
 * Reads what the environment says. To be called once, and before another process is started: what is for this one alone is
 * removed.
 */
export const claim = (environment: NodeJS.ProcessEnv = process.env): Launch["Service"] => ({
  isFirst: ProcessOne.claim(environment),
  predecessor: predecessorOf(environment),
  channel: Daemon.claim(environment),
  systemd: SystemdNotify.take(environment, process.pid)
})

/** Milliseconds for a launcher to wait. */
export const patienceOf = (bootTimeout: Duration.Duration): number =>
  Duration.isZero(bootTimeout)
    ? Number.POSITIVE_INFINITY
    : Math.min(Duration.toMillis(bootTimeout) + startAllowance, longestTimer)

/** Goes on in the background if that is asked for, in another process; this one ends with that one's success or failure. */
export const inBackground = (
  { daemonize }: ProcessPlan,
  { bootTimeout }: Pick<Values, "bootTimeout">
): Effect.Effect<void, ExitCode.Ended | UsageError, Launch> =>
  Effect.gen(function* () {
    const { channel, isFirst, predecessor, systemd } = yield* Launch
    if (!daemonize || channel !== undefined || predecessor !== undefined) return
    if (isFirst) {
      const message = "--daemonize would end the container: its first process has no background; leave the flag out"
      return yield* new UsageError({ message })
    }
    const code = yield* Daemon.launch(
      CommandLine.again(process.argv.slice(2)),
      patienceOf(bootTimeout),
      SystemdNotify.environmentOf(systemd)
    )
    return yield* new ExitCode.Ended({ code })
  })

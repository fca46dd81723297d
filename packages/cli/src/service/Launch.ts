/** What a process finds out about its start, and what it does before it serves. */
import { longestTimer } from "@pagi/core/options/OptionKind"
import type { Values } from "@pagi/core/options/ServerOptions"
import { predecessorOf } from "@pagi/node/listen/InheritedSockets"
import { startAllowance } from "@pagi/node/pool/StartAllowance"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as CommandLine from "../plan/CommandLine.ts"
import * as Daemon from "./Daemon.ts"
import * as ExitCode from "../program/ExitCode.ts"
import type { ProcessPlan } from "../plan/ServerPlan.ts"
import * as SystemdNotify from "./SystemdNotify.ts"

/** The process whose place this one is to take; the sockets that it leaves are claimed by whoever listens. */
export const predecessor: number | undefined = predecessorOf(process.env)

/** The way to the launcher, in the background. */
export const channel: Daemon.Channel | undefined = Daemon.claim()

/** How to reach systemd. */
export const systemd: SystemdNotify.Target | undefined = SystemdNotify.take(process.env, process.pid)

/** Milliseconds for a launcher to wait. */
export const patienceOf = (bootTimeout: Duration.Duration): number =>
  Duration.isZero(bootTimeout)
    ? Number.POSITIVE_INFINITY
    : Math.min(Duration.toMillis(bootTimeout) + startAllowance, longestTimer)

/** Goes on in the background if that is asked for, in another process; this one ends with that one's success or failure. */
export const inBackground = (
  { daemonize }: ProcessPlan,
  { bootTimeout }: Pick<Values, "bootTimeout">
): Effect.Effect<void, ExitCode.Ended> =>
  daemonize && channel === undefined && predecessor === undefined
    ? Effect.flatMap(
        Daemon.launch(
          CommandLine.again(process.argv.slice(2)),
          patienceOf(bootTimeout),
          SystemdNotify.environmentOf(systemd)
        ),
        (code) => Effect.fail(new ExitCode.Ended({ code }))
      )
    : Effect.void

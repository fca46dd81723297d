import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { connect } from "node:tls"
import { certificates } from "../support/Certificates.ts"
import { isMeasurable } from "./support/Memory.ts"
import { expectQuiet, familyOf, familyWith, type Pool, serve, stop } from "./support/SupervisorPool.ts"
import { kill } from "./support/SupervisorProcesses.ts"

type Version = "TLSv1.2" | "TLSv1.3"

interface Visit {
  /** The process that has answered. */
  readonly pid: number
  readonly isResumed: boolean
  readonly session: Buffer | undefined
}

/** A request over a connection of its own, which shows a session. */
const visit = ({ port }: Pool, version: Version, session?: Buffer): Effect.Effect<Visit, Error> =>
  Effect.callback<Visit, Error>((resume) => {
    const socket = connect({
      host: "127.0.0.1",
      port,
      rejectUnauthorized: false,
      minVersion: version,
      maxVersion: version,
      ...(session === undefined ? {} : { session })
    })
    let text = ""
    socket.on("data", (bytes) => (text += bytes.toString("latin1")))
    socket.on("error", (error) => resume(Effect.fail(error)))
    socket.on("end", () => {
      const pid = Number(/"pid":(\d+)/.exec(text)?.[1])
      resume(Effect.succeed({ pid, isResumed: socket.isSessionReused(), session: socket.getSession() }))
      socket.destroy()
    })
    socket.write("GET /who HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
  })

/** Visits with one session, which has to be taken, until each worker has answered. */
const resumeEverywhere = (pool: Pool, version: Version, session: Buffer | undefined) =>
  Effect.gen(function* () {
    const missing = new Set(familyOf(pool).workers)
    for (let round = 0; missing.size > 0; round++) {
      assert.isBelow(round, 100, "every worker answers some time")
      // Several at a time, as one worker alone would take those that come one after the other.
      const visits = yield* Effect.all(
        Array.from({ length: 8 }, () => visit(pool, version, session)),
        { concurrency: "unbounded" }
      )
      for (const { isResumed, pid } of visits) {
        assert.isTrue(isResumed, `${version}, process ${pid}, round ${round}`)
        missing.delete(pid)
      }
    }
  })

describe.skipIf(!isMeasurable)("TLS sessions of a server with workers", () => {
  it.live("are resumed by every worker, by those that replace them, and by the server that takes over", () =>
    Effect.gen(function* () {
      const { server } = yield* Effect.promise(certificates)
      const pool = yield* serve({ flags: [`--ssl-cert=${server.certPath}`, `--ssl-key=${server.keyPath}`] })
      const sessions: Array<readonly [Version, Buffer | undefined]> = []
      for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
        sessions.push([version, (yield* visit(pool, version)).session])
      }
      const resumeAll = Effect.forEach(sessions, ([version, session]) => resumeEverywhere(pool, version, session))
      yield* resumeAll
      const first = familyOf(pool)
      kill(first.parent, "SIGHUP")
      yield* familyWith(
        pool,
        "all workers are replaced",
        ({ workers }) => workers.length === 2 && !workers.some((pid) => first.workers.includes(pid))
      )
      yield* resumeAll
      kill(first.parent, "SIGUSR2")
      yield* familyWith(
        pool,
        "a successor has taken over",
        ({ parent, workers }) => parent !== first.parent && workers.length === 2
      )
      yield* resumeAll
      yield* stop(pool)
      expectQuiet(pool)
    })
  )
})

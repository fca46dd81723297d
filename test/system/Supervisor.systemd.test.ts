import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import { freePort } from "../support/Ports.ts"
import { isMeasurable, tell } from "./support/Memory.ts"
import { open, requestText } from "./support/Peer.ts"
import { pagiServer } from "./support/Programs.ts"
import {
  application,
  expectQuiet,
  familyOf,
  familyWith,
  gone,
  running,
  start,
  startedBy,
  stop
} from "./support/SupervisorPool.ts"
import { kill } from "./support/SupervisorProcesses.ts"
import { activate, hasSystemd, notifications } from "./support/SupervisorSystemd.ts"
import { ask, visit, whoAnswers } from "./support/SupervisorVisitors.ts"
import { until } from "./support/Until.ts"

const command = (port: number) => [pagiServer, "--workers=2", `--port=${port}`, "--no-access-log", application]

/** Stays while the server ends and is started again, as systemd does: it keeps the socket. */
const keeper = 'run() { sh -c \'LISTEN_PID=$$ exec "$0" "$@"\' "$@"; echo "ended: $?"; }; run "$@"; read line; run "$@"'

const Names = Schema.fromJsonString(Schema.Array(Schema.String))

/** What the server is told is for itself: the application must not see it. */
const expectCleanEnvironment = (port: number) =>
  Effect.gen(function* () {
    const names = yield* Schema.decodeEffect(Names)(yield* ask(port, "/environment"))
    assert.include(names, "PATH")
    assert.deepStrictEqual(
      names.filter((name) => /^(?:LISTEN|PAGI|NOTIFY|WATCHDOG)_/.test(name)),
      []
    )
  })

describe.skipIf(!isMeasurable || !hasSystemd)("systemd-socket-activate", () => {
  it.live("keeps the queue while a server with workers is started again", () =>
    Effect.gen(function* () {
      const port = yield* freePort
      const tree = yield* activate(`127.0.0.1:${port}`, [], ["/bin/sh", "-c", keeper, "keeper", ...command(port)])
      const first = yield* whoAnswers(port)
      yield* running(tree, 2)
      yield* expectCleanEnvironment(port)
      kill(first.parent, "SIGTERM")
      yield* until(
        "the first server has ended",
        Effect.sync(() => tree.output().includes("ended: 0\n"))
      )
      assert.lengthOf(
        tree.processes().filter(({ isWorker }) => isWorker),
        0
      )
      const begin = performance.now()
      const waiting = yield* Effect.forkChild(
        Effect.forEach(Array.from({ length: 50 }), () => whoAnswers(port), { concurrency: 50 }),
        { startImmediately: true }
      )
      // All of them are connected by now, or will be: nobody refuses them.
      yield* Effect.sleep("300 millis")
      assert.isUndefined(waiting.pollUnsafe())
      yield* tree.write("\n")
      const answers = yield* Fiber.join(waiting)
      yield* tell(
        `systemd-socket-activate: 50 connections without a server, all answered after ${(performance.now() - begin).toFixed()} ms`
      )
      const workers = startedBy(tree)
      for (const { isWorker, pid } of answers) {
        assert.isTrue(isWorker)
        assert.include(workers.slice(2), pid)
      }
      yield* until(
        "both of its workers have started",
        Effect.sync(() => startedBy(tree).length === 4)
      )
      kill(answers[0]?.parent ?? assert.fail(), "SIGTERM")
      // The shell says so when the processes of the server have gone already.
      yield* until(
        "the second server has ended",
        Effect.sync(() => tree.output().split(/ended: \d+\n/).length === 3)
      )
      yield* gone(tree)
      assert.strictEqual(tree.output().split("ended: 0\n").length, 3, tree.output())
      expectQuiet(tree)
    })
  )

  it.live("passes sockets on that are for the PROXY protocol, to one process and to workers", () =>
    Effect.gen(function* () {
      for (const workers of [[], ["--workers=2"]]) {
        const port = yield* freePort
        const flags = [...workers, `--listen=proxy+127.0.0.1:${port}`, "--trusted-proxies=127.0.0.1"]
        const log = ["--access-log=stdout", "--access-log-format=client: %h"]
        const tree = yield* activate(`127.0.0.1:${port}`, [], [pagiServer, ...flags, ...log, application])
        const talk = (text: string) =>
          Effect.scoped(
            Effect.gen(function* () {
              const peer = (yield* open(port)).read()
              peer.send(text)
              yield* peer.closed
              return peer.text
            })
          )
        const request = requestText("/", "Connection: close\r\n")
        for (let index = 0; index < 4; index++) {
          const answer = yield* talk(`PROXY TCP4 192.0.2.7 198.51.100.1 258 443\r\n${request}`)
          assert.match(answer, /^HTTP\/1\.1 200 .*hello$/s)
          assert.strictEqual(yield* talk(request), "")
        }
        yield* until(
          "the clients are in the log",
          Effect.sync(() => tree.output().match(/^client: 192\.0\.2\.7$/gm)?.length === 4)
        )
        kill(tree.pid, "SIGTERM")
        yield* gone(tree)
      }
    })
  )

  it.live("has its socket passed on by a hot restart", () =>
    Effect.gen(function* () {
      const port = yield* freePort
      const tree = yield* activate(`127.0.0.1:${port}`, [], command(port))
      const { parent } = yield* whoAnswers(port)
      assert.strictEqual(parent, tree.pid)
      const pool = yield* running(tree, 2)
      const visitors = yield* visit(port)
      kill(parent, "SIGUSR2")
      const { workers } = yield* familyWith(pool, "a successor has taken over", (now) => now.parent !== parent)
      for (const pid of workers) yield* visitors.visits.answerOf(pid)
      yield* expectCleanEnvironment(port)
      const { count, failures } = yield* visitors.end
      yield* tell(`systemd-socket-activate, USR2: ${count} visits meanwhile, ${failures.length} lost`)
      assert.deepStrictEqual(failures, [])
      yield* stop(pool)
      expectQuiet(tree)
    })
  )
})

describe.skipIf(!isMeasurable || !hasSystemd)("a server with workers that systemd has started", () => {
  it.live("says when it is ready, reloads, lives and stops, and who is its successor", () =>
    Effect.gen(function* () {
      const { path, received } = yield* notifications
      const since = (count: number) => received().slice(count)
      const heard = (what: string, ...lines: ReadonlyArray<string>) =>
        until(
          `the server says ${what}`,
          Effect.sync(() => lines.every((line) => received().includes(line)))
        )
      const tree = yield* start("/bin/sh", ["-c", 'WATCHDOG_PID=$$ exec "$0" "$@"', ...command(0)], {
        NOTIFY_SOCKET: path,
        WATCHDOG_USEC: "1000000"
      })
      const pool = yield* running(tree, 2)
      yield* heard("that it is ready", "READY=1", `MAINPID=${tree.pid}`)
      yield* expectCleanEnvironment(pool.port)
      yield* heard("that it lives", "WATCHDOG=1")

      const { workers } = familyOf(tree)
      let before = received().length
      kill(tree.pid, "SIGHUP")
      yield* familyWith(tree, "all workers are replaced", (now) => !now.workers.some((pid) => workers.includes(pid)))
      yield* until(
        "the server says that it is ready again",
        Effect.sync(() => since(before).includes("READY=1"))
      )
      const reload = since(before)
      assert.isTrue(reload.some((line) => /^MONOTONIC_USEC=\d+$/.test(line)))
      assert.isBelow(reload.indexOf("RELOADING=1"), reload.indexOf("READY=1"))
      assert.include(reload, "RELOADING=1")

      before = received().length
      kill(tree.pid, "SIGUSR2")
      const { parent } = yield* familyWith(tree, "a successor has taken over", (now) => now.parent !== tree.pid)
      yield* until(
        "the server says who its successor is",
        Effect.sync(() => since(before).includes(`MAINPID=${parent}`))
      )
      assert.deepStrictEqual(yield* tree.result, { code: 0, signal: null }, tree.output())
      assert.notInclude(since(before), "STOPPING=1", "the service goes on")

      before = received().length
      yield* until(
        "the successor says that it lives",
        Effect.sync(() => since(before).includes("WATCHDOG=1"))
      )
      yield* stop(pool)
      yield* until(
        "the server has said that it stops",
        Effect.sync(() => since(before).includes("STOPPING=1"))
      )
      yield* tell(`NOTIFY_SOCKET: ${[...new Set(received().map((line) => line.split("=")[0]))].join(", ")}`)
      expectQuiet(tree)
    })
  )
})

import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { X509Certificate } from "node:crypto"
import { copyFileSync, mkdirSync, renameSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import { certificates } from "../support/Certificates.ts"
import { temporaryFolder } from "../support/TemporaryFolder.ts"
import { type Clients, start } from "./support/ApiClients.ts"
import { isMeasurable, tell } from "./support/Memory.ts"
import { fixture } from "./support/Programs.ts"
import { expectQuiet, familyOf, familyWith, type Pool, serve, stop } from "./support/SupervisorPool.ts"
import { kill } from "./support/SupervisorProcesses.ts"
import { until } from "./support/Until.ts"

const application = fixture("httpApi")

/** How long servers may take to start workers one after the other, beside clients that leave little of the machine. */
const besideClients = "60 seconds"

/** Has all workers replaced, and waits until others answer over each way. */
const reloaded = (pool: Pool, clients: Clients) =>
  Effect.gen(function* () {
    const before = familyOf(pool)
    kill(before.parent, "SIGHUP")
    const { workers } = yield* familyWith(
      pool,
      "all workers are replaced",
      ({ workers }) => workers.length === 2 && !workers.some((pid) => before.workers.includes(pid)),
      besideClients
    )
    yield* clients.answeredBy(workers)
  })

/** Has another server take over, and waits until it answers over each way. */
const succeeded = (pool: Pool, clients: Clients) =>
  Effect.gen(function* () {
    const before = familyOf(pool)
    kill(before.parent, "SIGUSR2")
    const { workers } = yield* familyWith(
      pool,
      "a successor has taken over",
      ({ parent, workers }) => parent !== before.parent && workers.length === 2,
      besideClients
    )
    yield* clients.answeredBy(workers)
  })

/** Every request was answered with what it asked for, over each way; the server has nothing to complain about. */
const expectNoneLost = (pool: Pool, clients: Clients) =>
  Effect.gen(function* () {
    const accounts = yield* clients.end
    for (const { count, failures, name, slowest } of accounts) {
      yield* tell(`${name}: ${count} requests, ${failures.length} lost, the slowest took ${slowest.toFixed()} ms`)
    }
    assert.deepStrictEqual(
      accounts.flatMap(({ failures }) => failures),
      []
    )
    yield* stop(pool)
    assert.deepStrictEqual(yield* pool.result, { code: 0, signal: null }, pool.output())
    expectQuiet(pool)
  })

describe.skipIf(!isMeasurable)("an HttpApi on a server with workers loses no request", () => {
  it.live(
    "over TCP and a Unix socket, while its workers, and then it itself, are replaced",
    () =>
      Effect.gen(function* () {
        const path = join(yield* temporaryFolder, "api.sock")
        const pool = yield* serve({ application, flags: ["--listen=127.0.0.1:0", `--listen=${path}`] })
        const clients = yield* start({ TCP: { port: pool.port }, "a Unix socket": { path } })
        yield* clients.answeredBy(familyOf(pool).workers)
        yield* reloaded(pool, clients)
        yield* succeeded(pool, clients)
        yield* reloaded(pool, clients)
        yield* expectNoneLost(pool, clients)
      }),
    { timeout: 200_000 }
  )

  it.live(
    "over TLS, while its certificates are renewed and its workers, and then it itself, are replaced",
    () =>
      Effect.gen(function* () {
        const { authority, renewed, server } = yield* Effect.promise(certificates)
        const files = yield* temporaryFolder
        const current = join(files, "current")
        const put = (identity: string, { certPath, keyPath }: typeof server) => {
          const folder = join(files, identity)
          mkdirSync(folder)
          copyFileSync(certPath, join(folder, "server.crt"))
          copyFileSync(keyPath, join(folder, "server.key"))
          // Both at the same time: a server that reads a certificate and the key of another one complains.
          symlinkSync(identity, `${current}.new`)
          renameSync(`${current}.new`, current)
        }
        put("first", server)
        const identity = [`--ssl-cert=${join(current, "server.crt")}`, `--ssl-key=${join(current, "server.key")}`]
        const flags = [...identity, "--ssl-reload-interval=100ms"]
        const pool = yield* serve({ application, flags })
        const clients = yield* start({ TLS: { port: pool.port, ca: authority.cert } })
        yield* clients.answeredBy(familyOf(pool).workers)
        yield* reloaded(pool, clients)
        put("second", renewed)
        yield* until(
          "both workers use the new certificate",
          Effect.sync(() =>
            [1, 2].every((worker) =>
              pool.output().includes(`worker ${worker}: new connections use the TLS certificates as they are now`)
            )
          )
        )
        // Kept connections have the old one until they are closed.
        yield* succeeded(pool, clients)
        yield* expectNoneLost(pool, clients)
        const serials = [server, renewed].map(({ cert }) => new X509Certificate(cert).serialNumber)
        for (const account of clients.accounts) assert.deepStrictEqual([...account.certificates], serials, account.name)
      }),
    { timeout: 200_000 }
  )
})

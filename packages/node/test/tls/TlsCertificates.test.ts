import { assert, describe, it } from "@effect/vitest"
import * as PagiApp from "@pagi/core/PagiApp"
import type * as TlsOptions from "@pagi/core/options/TlsOptions"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/testing/TestClock"
import { execFileSync } from "node:child_process"
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { stat } from "node:fs/promises"
import { join } from "node:path"
import type { Identity } from "../../../../test/support/Certificates.ts"
import { answer, serve, serveHttp } from "../support/Server.ts"
import { temporaryFolder } from "../../../../test/support/TemporaryFolder.ts"
import { openTls, serverTls, testCertificates } from "../support/TlsClient.ts"
import { turns, until } from "../support/Until.ts"

const startError = (tls: TlsOptions.Input) =>
  Effect.gen(function* () {
    const events: Array<string> = []
    const app = PagiApp.make({
      http: answer("served"),
      lifespan: (_scope, receive) => Effect.map(receive, ({ type }) => events.push(type))
    })
    const error = yield* Effect.flip(serve(app, { tls }))
    assert.deepStrictEqual(events, [])
    assert.strictEqual(error._tag, "TlsError")
    return error.message
  })

describe("the files of TLS", () => {
  it.live("stop the server before its application starts when they cannot be used, and say which one and why", () =>
    Effect.gen(function* () {
      const { authority, client, server } = yield* testCertificates
      const good = yield* serverTls
      const folder = yield* temporaryFolder
      const file = (name: string, text: string): string => {
        writeFileSync(join(folder, name), text)
        return join(folder, name)
      }
      const missing = join(folder, "missing")
      const garbage = file("garbage", "no PEM at all\n")
      const torn = file("torn", server.cert.slice(0, 200))
      const second = file("second", `${server.cert}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`)
      const locked = file(
        "locked",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"
      )
      const fifo = join(folder, "fifo")
      execFileSync("mkfifo", [fifo])
      const notRegular = "it is not a regular file"
      const noPem = "it holds no certificate in PEM form"
      for (const [tls, message] of [
        [{ ...good, cert: missing }, `certificate ${missing}: there is no such file`],
        [{ ...good, cert: folder }, `certificate ${folder}: it is a directory`],
        [{ ...good, cert: fifo }, `certificate ${fifo}: ${notRegular}`],
        [{ ...good, key: fifo }, `private key ${fifo}: ${notRegular}`],
        [{ ...good, key: "/dev/zero" }, `private key /dev/zero: ${notRegular}`],
        [{ ...good, ca: fifo }, `CA file ${fifo}: ${notRegular}`],
        [{ ...good, cert: garbage }, `certificate ${garbage}: ${noPem}`],
        [{ ...good, cert: torn }, `certificate ${torn}: its certificate number 1 is malformed`],
        [{ ...good, cert: second }, `certificate ${second}: its certificate number 2 is malformed`],
        [{ ...good, key: missing }, `private key ${missing}: there is no such file`],
        [{ ...good, key: garbage }, `private key ${garbage}: it holds no private key in PEM form`],
        [{ ...good, key: locked }, `private key ${locked}: it is protected by a passphrase`],
        [
          { ...good, key: client.keyPath },
          `private key ${client.keyPath}: it does not belong to the certificate ${good.cert}`
        ],
        [{ ...good, ca: missing }, `CA file ${missing}: there is no such file`],
        [{ ...good, ca: garbage }, `CA file ${garbage}: ${noPem}`],
        [{ ...good, ca: authority.certPath, ciphers: "NO-SUCH" }, "cipher suites NO-SUCH: no cipher match"],
        [{ ...good, sni: [{ cert: missing, key: good.key }] }, `certificate ${missing}: there is no such file`]
      ] as const) {
        assert.strictEqual(yield* startError(tls), `cannot use the ${message}`)
      }
    })
  )

  it.live("may be one file for the certificate and its key", () =>
    Effect.gen(function* () {
      const { server } = yield* testCertificates
      const both = join(yield* temporaryFolder, "both.pem")
      writeFileSync(both, server.key + server.cert)
      const { port } = yield* serveHttp(answer("served"), { tls: { cert: both, key: both } })
      const client = yield* openTls(port)
      client.get()
      yield* client.endsWith("served")
    })
  )
})

/** A running server with files of its own, whose log can be looked at. */
const replaceable = (reloadInterval: TlsOptions.Input["reloadInterval"]) =>
  Effect.gen(function* () {
    const { server: first } = yield* testCertificates
    const folder = yield* temporaryFolder
    const cert = join(folder, "server.crt")
    const key = join(folder, "server.key")
    const write = (identity: Partial<Identity>): void => {
      if (identity.cert !== undefined) writeFileSync(cert, identity.cert)
      if (identity.key !== undefined) writeFileSync(key, identity.key)
    }
    write(first)
    const messages: Array<string> = []
    const logger = Logger.make(({ logLevel, message }) => messages.push(`${logLevel}: ${String(message)}`))
    const { port, server } = yield* serveHttp(answer("served"), {
      logLevel: "info",
      tls: { cert, key, ...(reloadInterval === undefined ? {} : { reloadInterval }) }
    }).pipe(Effect.provide(Logger.layer([logger])))
    messages.length = 0 // That it listens.
    const sent = Effect.scoped(
      Effect.map(openTls(port), ({ socket }) => socket.getPeerX509Certificate()?.toString() ?? "")
    )
    return { cert, folder, key, messages, port, reload: server.reloadCertificates, sent, write }
  })

/** Lets the server look at its files until the condition holds; how long a look takes is the system's matter. */
const eventually = <E, R>(what: string, condition: Effect.Effect<boolean, E, R>) =>
  Effect.gen(function* () {
    const end = performance.now() + 10_000
    while (performance.now() < end) {
      if (yield* condition) return
      yield* TestClock.adjust("5 seconds")
      yield* turns(5)
    }
    return yield* Effect.die(new Error(`never happened: ${what}`))
  })

const becomes = <E, R>(sent: Effect.Effect<string, E, R>, { cert }: Identity) =>
  eventually(
    "the new certificate is sent",
    Effect.map(sent, (current) => current === cert)
  )

const renewed = "Info: new connections use the TLS certificates as they are now"

describe("new certificates", () => {
  it.effect("are used when they are asked for, without an end for open connections", () =>
    Effect.gen(function* () {
      const { renewed: next, server } = yield* testCertificates
      const { messages, port, reload, sent, write } = yield* replaceable(0)
      const open = yield* openTls(port)
      open.get()
      yield* open.endsWith("served")
      write(next)
      assert.isTrue((yield* sent) === server.cert)
      yield* reload
      assert.isTrue((yield* sent) === next.cert)
      assert.deepStrictEqual(messages, [renewed])
      open.get()
      yield* until("it is answered", () => open.statuses.length === 2)
    })
  )

  it.effect("are used soon after their files were written", () =>
    Effect.gen(function* () {
      const { renewed: next, server } = yield* testCertificates
      const { cert, messages, sent, write } = yield* replaceable("5 seconds")
      write(next)
      // It looks at its files at intervals, not all the time.
      for (let look = 0; look < 20; look++) yield* Effect.promise(() => stat(cert))
      assert.isTrue((yield* sent) === server.cert)
      yield* becomes(sent, next)
      yield* TestClock.adjust("1 minute")
      yield* turns(100)
      assert.deepStrictEqual(messages, [renewed])
    })
  )

  it.effect("are used when a file was put in the place of another by its name", () =>
    Effect.gen(function* () {
      const { renewed: next } = yield* testCertificates
      const { cert, folder, key, sent } = yield* replaceable("5 seconds")
      for (const [path, text] of [
        [cert, next.cert],
        [key, next.key]
      ] as const) {
        writeFileSync(join(folder, "next"), text)
        renameSync(join(folder, "next"), path)
      }
      yield* becomes(sent, next)
    })
  )

  it.effect("are used when a link on the way to them was exchanged", () =>
    Effect.gen(function* () {
      const { renewed: next, server } = yield* testCertificates
      const { cert, folder, key, sent } = yield* replaceable("5 seconds")
      const place = (version: string, { cert: certText, key: keyText }: Identity): void => {
        mkdirSync(join(folder, version))
        writeFileSync(join(folder, version, "tls.crt"), certText)
        writeFileSync(join(folder, version, "tls.key"), keyText)
        symlinkSync(version, join(folder, "..data-new"))
        renameSync(join(folder, "..data-new"), join(folder, "..data"))
      }
      place("1", server)
      for (const [path, name] of [
        [cert, "tls.crt"],
        [key, "tls.key"]
      ] as const) {
        rmSync(path)
        symlinkSync(join("..data", name), path)
      }
      assert.isTrue((yield* sent) === server.cert)
      place("2", next)
      yield* becomes(sent, next)
    })
  )

  it.effect("that are not good are told of once, and those in use stay", () =>
    Effect.gen(function* () {
      const { renewed: next, server } = yield* testCertificates
      const { cert, key, messages, reload, sent, write } = yield* replaceable("5 seconds")
      const stay = "the certificates in use stay"
      write({ cert: next.cert })
      yield* eventually(
        "a message",
        Effect.sync(() => messages.length > 0)
      )
      yield* TestClock.adjust("1 minute")
      yield* turns(100)
      assert.isTrue((yield* sent) === server.cert)
      const mismatch = `Error: cannot use the private key ${key}: it does not belong to the certificate ${cert}; ${stay}`
      assert.deepStrictEqual(messages.splice(0), [mismatch])

      rmSync(cert)
      yield* reload
      assert.isTrue((yield* sent) === server.cert)
      assert.deepStrictEqual(messages.splice(0), [
        `Error: cannot use the certificate ${cert}: there is no such file; ${stay}`
      ])

      execFileSync("mkfifo", [cert])
      yield* reload
      assert.isTrue((yield* sent) === server.cert)
      assert.deepStrictEqual(messages.splice(0), [
        `Error: cannot use the certificate ${cert}: it is not a regular file; ${stay}`
      ])
      rmSync(cert)

      write(next)
      yield* becomes(sent, next)
      assert.deepStrictEqual(messages, [renewed])
    })
  )
})

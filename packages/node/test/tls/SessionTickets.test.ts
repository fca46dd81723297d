import { assert, describe, it } from "@effect/vitest"
import type * as TlsOptions from "@pagi/core/options/TlsOptions"
import * as Effect from "effect/Effect"
import { createServer } from "node:tls"
import { TicketKeys, useKeys } from "../../src/tls/SessionTickets.ts"
import { WorkerIdentity } from "../../src/process/WorkerIdentity.ts"
import { TicketKeyring } from "../../src/tls/TicketSecrets.ts"
import { answer, serveHttp } from "../support/Server.ts"
import { openTls, serverTls, testCertificates } from "../support/TlsClient.ts"

/** A server that is one of several with the same secrets. */
const serveWith = (tickets: TicketKeyring, tls: Partial<TlsOptions.Input> = {}) =>
  Effect.gen(function* () {
    const { named } = yield* testCertificates
    const sni = [{ cert: named.certPath, key: named.keyPath }]
    return yield* serveHttp(answer("served"), { tls: { ...(yield* serverTls), sni, ...tls } }).pipe(
      Effect.provideService(WorkerIdentity, { num: 1, tickets })
    )
  })

/** A request, with a session of an earlier one; yields the session for the next one, and whether that was resumed. */
const visit = (
  port: number,
  options: { readonly maxVersion: "TLSv1.2" | "TLSv1.3"; readonly servername: string; readonly session?: Buffer }
) =>
  Effect.gen(function* () {
    const client = yield* openTls(port, options)
    client.get()
    yield* client.endsWith("served") // TLS 1.3 sends the ticket before it.
    return { isResumed: client.socket.isSessionReused(), session: client.socket.getSession() ?? assert.fail() }
  }).pipe(Effect.scoped)

const passHour = (keyring: TicketKeyring): void => {
  for (let minute = 0; minute < 60; minute++) keyring.ageByMinute()
}

describe("a TLS session", () => {
  for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
    for (const servername of ["localhost", "one.test"]) {
      const way = { maxVersion, servername }
      const resumes = (port: number, session: Buffer) =>
        Effect.map(visit(port, { ...way, session }), ({ isResumed }) => isResumed)

      it.live(`of ${maxVersion} and ${servername} goes on at every server with the same secrets`, () =>
        Effect.gen(function* () {
          const keyring = new TicketKeyring()
          const [one, other] = [yield* serveWith(keyring), yield* serveWith(new TicketKeyring(keyring.secrets))]
          const stranger = yield* serveWith(new TicketKeyring())
          const { isResumed, session } = yield* visit(one.port, way)
          assert.isFalse(isResumed)
          assert.isTrue(yield* resumes(other.port, session))
          assert.isTrue(yield* resumes(one.port, session))
          assert.isFalse(yield* resumes(stranger.port, session))
        })
      )

      it.live(`of ${maxVersion} and ${servername} goes on while the secrets change, and is forgotten after that`, () =>
        Effect.gen(function* () {
          const ahead = new TicketKeyring()
          const behind = new TicketKeyring(ahead.secrets)
          const [one, other] = [yield* serveWith(ahead), yield* serveWith(behind)]
          const early = yield* visit(one.port, way)
          passHour(ahead)
          assert.isTrue(yield* resumes(one.port, early.session))
          // With a secret that the other one does not use yet.
          const late = yield* visit(one.port, way)
          assert.isTrue(yield* resumes(other.port, late.session))
          passHour(ahead)
          assert.isFalse(yield* resumes(one.port, early.session))
          assert.isTrue(yield* resumes(one.port, late.session))
        })
      )
    }
  }

  it.live("does not go on where other things are demanded, or another certificate is shown", () =>
    Effect.gen(function* () {
      const { authority, renewed } = yield* testCertificates
      const keyring = new TicketKeyring()
      const usual = yield* serveWith(keyring)
      const others: ReadonlyArray<Partial<TlsOptions.Input>> = [
        { ca: authority.certPath },
        { cert: renewed.certPath, key: renewed.keyPath },
        { sni: [] }
      ]
      const way = { maxVersion: "TLSv1.3", servername: "localhost" } as const
      const { session } = yield* visit(usual.port, way)
      for (const tls of others) {
        const { port } = yield* serveWith(keyring, tls)
        assert.isFalse((yield* visit(port, { ...way, session })).isResumed)
      }
    })
  )

  it.live("goes on after the same files were read again", () =>
    Effect.gen(function* () {
      const { port, server } = yield* serveWith(new TicketKeyring())
      const way = { maxVersion: "TLSv1.3", servername: "localhost" } as const
      const { session } = yield* visit(port, way)
      yield* server.reloadCertificates
      assert.isTrue((yield* visit(port, { ...way, session })).isResumed)
    })
  )
})

describe("the keys of session tickets", () => {
  it("are given to Node as one where there is no other way", () => {
    const keys = new TicketKeys(new TicketKeyring(), "")
    const server = createServer()
    let set: Buffer | undefined
    Object.assign(server, { _sharedCreds: { context: { setTicketKeys: (given: Buffer) => (set = given) } } })
    useKeys(server, [], keys)
    const { aes, hmac, name } = keys.current
    assert.deepStrictEqual(set, Buffer.concat([name, hmac, aes]))
  })
})

import type * as ServerOptions from "@pagi/core/ServerOptions"
import type { Values } from "@pagi/core/TlsOptions"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as EffectScope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { constants } from "node:crypto"
import { createSecureContext, type SecureContext, type SecureContextOptions, type TlsOptions } from "node:tls"
import { defaultCiphers } from "./CipherSuites.ts"
import { hostOf } from "./ServerName.ts"
import { TlsError } from "./TlsError.ts"
import { fingerprint, type Identity, read, type TlsMaterial } from "./TlsFiles.ts"

/** The certificates that new connections get, which change when their files do. */
export interface TlsCertificates {
  /** What a server of `node:tls` needs; another object after each change. */
  readonly current: TlsOptions
  /** Whether clients are asked for a certificate. */
  readonly asksClients: boolean
  /** Reads the files again. When something is wrong with them, says so and leaves everything as it is. */
  readonly reload: Effect.Effect<void>
}

/** The certificates of a server, if it is to speak TLS. */
export const fromOptions = (
  { disableTls, tls }: Pick<ServerOptions.Values, "disableTls" | "tls">,
  protocols: ReadonlyArray<string>
): Effect.Effect<TlsCertificates | undefined, TlsError, EffectScope.Scope> => {
  if (tls === undefined) return Effect.succeed(undefined)
  return disableTls
    ? Effect.as(Effect.logWarning("TLS is disabled, and what else is set about it ignored"), undefined)
    : make(tls, protocols)
}

/** Sessions may be resumed with any certificate of the server; OpenSSL demands a name for that. */
const sessionIdContext = "pagi"

/**
 * Reads the certificates and, until the scope closes, looks whether their files have changed. The files are polled:
 * notices of the file system are about directories and inodes, and get lost where a symbolic link on the way is
 * exchanged, which is how certificates are renewed in practice.
 */
export const make = (
  options: Values,
  protocols: ReadonlyArray<string>
): Effect.Effect<TlsCertificates, TlsError, EffectScope.Scope> =>
  Effect.gen(function* () {
    const load = Effect.gen(function* () {
      const state = yield* fingerprint(options)
      return {
        state,
        result: yield* Effect.result(Effect.flatMap(read(options), (files) => build(options, protocols, files)))
      }
    })
    const context = yield* Effect.context<never>()
    const first = yield* load
    let current = yield* Effect.fromResult(first.result)
    let loaded = first.state
    const reload = Semaphore.makeUnsafe(1).withPermit(
      Effect.gen(function* () {
        const { result, state } = yield* load
        loaded = state
        if (result._tag === "Failure") {
          return yield* Effect.logError(`${result.failure.message}; the certificates in use stay`)
        }
        current = result.success
        yield* Effect.logInfo("new connections use the TLS certificates as they are now")
      })
    )
    const watch = Effect.gen(function* () {
      let seen = loaded
      while (true) {
        yield* Effect.sleep(options.reloadInterval)
        const state = yield* fingerprint(options)
        // Certificate and key are not replaced in the same instant: they count when nothing has changed for a while.
        if (state !== loaded && state === seen) yield* reload
        seen = state
      }
    })
    if (!Duration.isZero(options.reloadInterval)) yield* Effect.forkScoped(watch)
    return {
      get current() {
        return current
      },
      asksClients: options.ca !== undefined,
      // Whoever asks for it, the server's log is where it is told.
      reload: Effect.provideContext(reload, context)
    }
  })

/** Makes of the files what `node:tls` needs, and so checks all that only OpenSSL can judge. */
const build = (
  { ciphers, minVersion, verifyClient }: Values,
  protocols: ReadonlyArray<string>,
  { ca, main, others }: TlsMaterial
): Effect.Effect<TlsOptions, TlsError> =>
  Effect.gen(function* () {
    const common: SecureContextOptions = {
      minVersion,
      // A client that wants new keys in the middle can make a new connection.
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
      honorCipherOrder: true,
      sessionIdContext,
      ciphers: ciphers ?? defaultCiphers,
      ...(ca === undefined ? {} : { ca })
    }
    if (ciphers !== undefined) yield* checkCiphers(ciphers)
    const contexts = new Map<string, SecureContext>()
    for (const identity of [main, ...others]) {
      const context = yield* makeContext(common, identity)
      for (const name of identity.names) if (!contexts.has(name)) contexts.set(name, context)
    }
    return {
      ...common,
      cert: main.cert,
      key: main.key,
      requestCert: ca !== undefined,
      rejectUnauthorized: verifyClient,
      ALPNProtocols: [...protocols],
      SNICallback: (name, answer) => answer(null, find(contexts, hostOf(name)))
    }
  })

/** A star stands for one whole label, the first (RFC 9525 §6.3). Without a match the main certificate is sent. */
const find = (contexts: ReadonlyMap<string, SecureContext>, name: string): SecureContext | undefined =>
  contexts.get(name) ?? contexts.get(name.replace(/^[^.]+/, "*"))

const makeContext = (
  common: SecureContextOptions,
  { cert, files, key }: Identity
): Effect.Effect<SecureContext, TlsError> =>
  Effect.try({
    try: () => createSecureContext({ ...common, cert, key }),
    catch: (error) => new TlsError({ what: "certificate", subject: files.cert, detail: reasonOf(error) })
  })

const checkCiphers = (ciphers: string): Effect.Effect<unknown, TlsError> =>
  Effect.try({
    try: () => createSecureContext({ ciphers }),
    catch: (error) => new TlsError({ what: "cipher suites", subject: ciphers, detail: reasonOf(error) })
  })

/** OpenSSL's own words, for instance "ee key too small". */
const reasonOf = (error: unknown): string => {
  const { message, reason } = error as Error & { readonly reason?: string } // node:tls throws nothing else.
  return reason ?? message
}

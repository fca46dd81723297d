import type * as ServerOptions from "@pagi/core/options/ServerOptions"
import type { Values } from "@pagi/core/options/TlsOptions"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as EffectScope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { constants, createHash } from "node:crypto"
import { createSecureContext, type SecureContext, type SecureContextOptions, type TlsOptions } from "node:tls"
import { defaultCiphers } from "./CipherSuites.ts"
import { hostOf } from "./ServerName.ts"
import { ticketLifetime } from "./TicketSecrets.ts"
import { TlsError } from "./TlsError.ts"
import { fingerprint, type Identity, read, type TlsMaterial } from "./TlsFiles.ts"

/** What a server of `node:tls` needs to send certificates. */
export interface ServerTls {
  readonly options: TlsOptions
  /** What it chooses from by the name that a client asks for, beside what the options make. */
  readonly contexts: ReadonlySet<SecureContext>
  /** Different texts for different certificates, authorities and demands: a session must not go from one to the other. */
  readonly binding: string
  /** The certificate that is sent to clients that ask for a name, as PEM. */
  readonly certificateFor: (name: string | undefined) => string
}

/** The certificates that new connections get, which change when their files do. */
export interface TlsCertificates {
  /** Another object after each change. */
  readonly current: ServerTls
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
  material: TlsMaterial
): Effect.Effect<ServerTls, TlsError> =>
  Effect.gen(function* () {
    const { ca, main, others } = material
    const common: SecureContextOptions = {
      minVersion,
      // A client that wants new keys in the middle can make a new connection.
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
      honorCipherOrder: true,
      sessionIdContext,
      sessionTimeout: ticketLifetime,
      ciphers: ciphers ?? defaultCiphers,
      ...(ca === undefined ? {} : { ca })
    }
    if (ciphers !== undefined) yield* checkCiphers(ciphers)
    const chosen = new Map<string, Choice>()
    for (const identity of [main, ...others]) {
      const choice = { identity, context: yield* makeContext(common, identity) }
      for (const name of identity.names) if (!chosen.has(name)) chosen.set(name, choice)
    }
    const find = (name: string): Choice | undefined => findByName(chosen, hostOf(name))
    return {
      options: {
        ...common,
        cert: main.cert,
        key: main.key,
        requestCert: ca !== undefined,
        rejectUnauthorized: ca !== undefined && verifyClient,
        ALPNProtocols: [...protocols],
        // Asking costs time in every handshake, and where there is one certificate there is nothing to choose.
        ...(others.length === 0 ? {} : { SNICallback: (name, answer) => answer(null, find(name)?.context) })
      },
      contexts: new Set([...chosen.values()].map(({ context }) => context)),
      binding: bindingOf(material, verifyClient),
      certificateFor: (name) => ((name === undefined ? undefined : find(name)?.identity) ?? main).leaf
    }
  })

/** What a client gets that asks for a name. */
interface Choice {
  readonly identity: Identity
  readonly context: SecureContext
}

/** A star stands for one whole label, the first (RFC 9525 §6.3). Without a match the main certificate is sent. */
const findByName = <A>(choices: ReadonlyMap<string, A>, name: string): A | undefined =>
  choices.get(name) ?? choices.get(name.replace(/^[^.]+/, "*"))

/** A digest, since private keys are part of it. */
const bindingOf = ({ ca, main, others }: TlsMaterial, verifyClient: boolean): string =>
  createHash("sha256")
    .update(JSON.stringify([verifyClient, ca, [main, ...others].map(({ cert, key }) => [cert, key])]))
    .digest("hex")

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

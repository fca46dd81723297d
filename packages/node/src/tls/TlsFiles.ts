/** Reads and checks the files of TLS, so that every mistake in them is told with the file it is in. */
import type { CertificateFiles, Values } from "@pagi/core/options/TlsOptions"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto"
import { constants } from "node:fs"
import { open, stat } from "node:fs/promises"
import { TlsError } from "./TlsError.ts"

/** A certificate with its private key. */
export interface Identity {
  readonly files: CertificateFiles
  /** The certificate and its chain, as PEM. */
  readonly cert: string
  /** The certificate alone. */
  readonly leaf: string
  readonly key: string
  /** The host names that it is for, in lower case; of wildcards the name with the star. */
  readonly names: ReadonlyArray<string>
}

/** What the files hold. */
export interface TlsMaterial {
  /** For clients that ask for no name, or for one that no certificate has. */
  readonly main: Identity
  readonly others: ReadonlyArray<Identity>
  readonly ca: string | undefined
}

/** Reads everything that the options name. */
export const read = (options: Values): Effect.Effect<TlsMaterial, TlsError> =>
  Effect.gen(function* () {
    const main = yield* readIdentity(options)
    const others = yield* Effect.forEach(options.sni, readIdentity)
    for (const { files, names } of others) {
      if (names.length === 0) {
        return yield* failure("certificate", files.cert, "it names no host, so no client can ask for it")
      }
    }
    return { main, others, ca: options.ca === undefined ? undefined : yield* readAuthorities(options.ca) }
  })

/** A text that is different when one of the files was replaced or written to, by whatever links it is reached. */
export const fingerprint = (options: Values): Effect.Effect<string> =>
  Effect.map(Effect.forEach(pathsOf(options), fingerprintOf, { concurrency: "unbounded" }), (all) => all.join(" "))

const pathsOf = ({ ca, cert, key, sni }: Values): ReadonlyArray<string> => [
  ...[{ cert, key }, ...sni].flatMap((files) => [files.cert, files.key]),
  ...(ca === undefined ? [] : [ca])
]

const fingerprintOf = (path: string): Effect.Effect<string> =>
  Effect.promise(() =>
    stat(path, { bigint: true }).then(
      ({ ctimeNs, dev, ino, mtimeNs, size }) => [dev, ino, size, mtimeNs, ctimeNs].join(),
      (error: NodeJS.ErrnoException) => error.code ?? ""
    )
  )

const failure = (what: string, subject: string, detail: string) => Effect.fail(new TlsError({ what, subject, detail }))

/** As the system has no code for it. */
const notRegular = "not a regular file"

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "this process may not read it",
  EISDIR: "it is a directory",
  // So the system answers when a socket is opened, or a device behind which is nothing.
  ENXIO: "it is not a regular file",
  [notRegular]: "it is not a regular file"
}

const readText = (what: string, path: string): Effect.Effect<string, TlsError> =>
  Effect.tryPromise({
    try: () => readRegular(path),
    catch: (error) => {
      const { code = "" } = error as NodeJS.ErrnoException // node:fs rejects with nothing else.
      return new TlsError({ what, subject: path, detail: reasons[code] ?? code })
    }
  })

/**
 * The text of a regular file. Of anything else, reading may never end: a FIFO waits for a writer, and the thread that
 * waits keeps the whole process from exiting. Opened so that it does not wait, then asked what it is.
 */
const readRegular = async (path: string): Promise<string> => {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const status = await file.stat()
    if (status.isFile()) return await file.readFile("utf8")
    throw Object.assign(new Error(), { code: status.isDirectory() ? "EISDIR" : notRegular })
  } finally {
    await file.close()
  }
}

const readIdentity = ({ cert: certPath, key: keyPath }: CertificateFiles): Effect.Effect<Identity, TlsError> =>
  Effect.gen(function* () {
    const cert = yield* readText("certificate", certPath)
    const [first] = yield* parseCertificates("certificate", certPath, cert)
    const key = yield* readText("private key", keyPath)
    if (!first.checkPrivateKey(yield* parseKey(keyPath, key))) {
      return yield* failure("private key", keyPath, `it does not belong to the certificate ${certPath}`)
    }
    return { files: { cert: certPath, key: keyPath }, cert, leaf: first.toString(), key, names: namesOf(first) }
  })

const readAuthorities = (path: string): Effect.Effect<string, TlsError> =>
  Effect.gen(function* () {
    const ca = yield* readText("CA file", path)
    yield* parseCertificates("CA file", path, ca)
    return ca
  })

const certificatePattern = /-----BEGIN CERTIFICATE-----.*?(?:-----END CERTIFICATE-----|$)/gs

/** OpenSSL would stop at the first block that it cannot read, and say nothing. */
const parseCertificates = (
  what: string,
  path: string,
  pem: string
): Effect.Effect<Arr.NonEmptyReadonlyArray<X509Certificate>, TlsError> => {
  const blocks: ReadonlyArray<string> = pem.match(certificatePattern) ?? []
  if (!Arr.isReadonlyArrayNonEmpty(blocks)) return failure(what, path, "it holds no certificate in PEM form")
  return Effect.forEach(blocks, (block, index) =>
    Effect.try({
      try: () => new X509Certificate(block),
      catch: () => new TlsError({ what, subject: path, detail: `its certificate number ${index + 1} is malformed` })
    })
  )
}

const parseKey = (path: string, pem: string): Effect.Effect<KeyObject, TlsError> =>
  Effect.try({
    try: () => createPrivateKey(pem),
    catch: () => {
      const isEncrypted = pem.includes("ENCRYPTED")
      const detail = isEncrypted ? "it is protected by a passphrase" : "it holds no private key in PEM form"
      return new TlsError({ what: "private key", subject: path, detail })
    }
  })

/** The DNS names of the certificate; without any, the common name of its subject counts. */
const namesOf = ({ subject, subjectAltName }: X509Certificate): ReadonlyArray<string> => {
  const alternatives = subjectAltName?.split(", ").flatMap((name) => /^DNS:(.+)$/.exec(name)?.[1] ?? []) ?? []
  const names = alternatives.length > 0 ? alternatives : [/^CN=(.+)$/m.exec(subject)?.[1] ?? ""]
  return names.filter((name) => name !== "").map((name) => name.toLowerCase())
}

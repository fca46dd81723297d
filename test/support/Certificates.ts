/**
 * Certificates for tests of TLS, made when they are first needed: an authority, and below it one for the server, two for
 * other names and two for clients. Another authority has a client of its own, whom nobody should trust.
 */
import "reflect-metadata" // For tsyringe, on which the next one depends.
import * as x509 from "@peculiar/x509"
import type { webcrypto } from "node:crypto"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** A certificate with its key, as PEM and in files. */
export interface Identity {
  readonly cert: string
  readonly key: string
  readonly certPath: string
  readonly keyPath: string
}

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" }
const day = 86_400_000

interface Parts {
  readonly keys: webcrypto.CryptoKeyPair
  readonly certificate: x509.X509Certificate
}

interface Request {
  readonly subject: string
  readonly names?: ReadonlyArray<string>
  readonly issuer?: Parts
  readonly days?: number
}

let serialNumber = 0

const issue = async ({ days = 30, issuer, names = [], subject }: Request): Promise<Parts> => {
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"])
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: String(++serialNumber).padStart(2, "0"),
    subject,
    issuer: issuer?.certificate.subject ?? subject,
    notBefore: new Date(Date.now() - 2 * day),
    notAfter: new Date(Date.now() + days * day),
    publicKey: keys.publicKey,
    signingKey: (issuer?.keys ?? keys).privateKey,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(issuer === undefined, undefined, true),
      ...(names.length === 0
        ? []
        : [
            new x509.SubjectAlternativeNameExtension(
              names.map((value) => ({ type: /^[\d.]+$/.test(value) ? ("ip" as const) : ("dns" as const), value }))
            )
          ])
    ]
  })
  return { keys, certificate }
}

const folder = mkdtempSync(join(tmpdir(), "pagi-certificates-"))
process.once("exit", () => rmSync(folder, { recursive: true, force: true }))

const write = async (name: string, { certificate, keys }: Parts): Promise<Identity> => {
  const pem = x509.PemConverter.encode(await crypto.subtle.exportKey("pkcs8", keys.privateKey), "PRIVATE KEY")
  const cert = `${certificate.toString("pem")}\n`
  const key = `${pem}\n`
  const certPath = join(folder, `${name}.crt`)
  const keyPath = join(folder, `${name}.key`)
  writeFileSync(certPath, cert)
  writeFileSync(keyPath, key, { mode: 0o600 })
  return { cert, key, certPath, keyPath }
}

const makeAll = async () => {
  const authority = await issue({ subject: "CN=Test Authority" })
  const stranger = await issue({ subject: "CN=Another Authority" })
  const make = async (name: string, request: Request) => write(name, await issue({ issuer: authority, ...request }))
  return {
    authority: await write("authority", authority),
    server: await make("server", { subject: "CN=localhost", names: ["localhost", "127.0.0.1"] }),
    /** The same names in a later certificate. */
    renewed: await make("renewed", { subject: "CN=localhost", names: ["localhost", "127.0.0.1"] }),
    named: await make("named", { subject: "CN=ignored.test", names: ["one.test", "*.wild.test"] }),
    /** Of the old kind, with its name in the subject. */
    common: await make("common", { subject: "CN=common.test" }),
    client: await make("client", { subject: "C=DE, O=Böse \\, Mädchen+OU=R&D, CN=Ada \\+ Charles" }),
    expired: await make("expired", { subject: "CN=late", days: -1 }),
    stranger: await make("stranger", { subject: "CN=Mallory", issuer: stranger })
  }
}

let made: ReturnType<typeof makeAll> | undefined

/** All of them; made once for each process of tests. */
export const certificates = (): ReturnType<typeof makeAll> => (made ??= makeAll())

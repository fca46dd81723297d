/**
 * The options of TLS: the group `tls` of the server's options, and `--ssl-…` on the command line. Files are named here
 * and read by the server when it starts.
 */
import * as Duration from "effect/Duration"
import { choice, type Kind, list, optional, seconds, text, toggle } from "./OptionKind.ts"
import { atStart, define, fillIn, type InputOf, type Problem, type Rows, type ValueOf } from "./OptionTable.ts"

/** A certificate with its chain, and its private key: paths of PEM files, which may be one and the same. */
export interface CertificateFiles {
  readonly cert: string
  readonly key: string
}

const file = text("FILE")

const acceptFiles = (input: CertificateFiles): CertificateFiles | undefined => {
  // Untyped programs may give anything.
  const { cert, key, ...rest }: Readonly<Record<string, unknown>> = { ...input }
  if (typeof cert !== "string" || typeof key !== "string" || Object.keys(rest).length > 0) return undefined
  return file.accept(cert) === undefined || file.accept(key) === undefined ? undefined : { cert, key }
}

const certificateFiles: Kind<CertificateFiles, CertificateFiles> = {
  expected: "CERT:KEY, the paths of a certificate and its key (in programs { cert, key })",
  placeholder: "CERT:KEY",
  accept: acceptFiles,
  fromText: (pair) => {
    const [cert, key, ...rest] = pair.split(":")
    return cert === undefined || key === undefined || rest.length > 0 ? undefined : { cert, key }
  },
  toText: ({ cert, key }) => `${cert}:${key}`
}

/** Every option of TLS with a flag and an environment variable. */
export const table = {
  cert: define(optional(file), undefined, "Certificate and its chain (PEM); with it, every listener speaks TLS"),
  key: define(optional(file), undefined, "Private key of the certificate (PEM)"),
  sni: define(
    list(certificateFiles),
    [],
    "Further certificates with keys, for clients that ask for a name in them (SNI)"
  ),
  ca: define(optional(file), undefined, "Certificates of the authorities that clients are verified against (PEM)"),
  verifyClient: define(toggle, false, "Refuses clients without a valid certificate; needs the authorities"),
  minVersion: define(choice("TLSv1.2", "TLSv1.3"), "TLSv1.2", "Oldest version of TLS that is spoken"),
  ciphers: define(
    optional(text("LIST")),
    undefined,
    "Cipher suites as OpenSSL writes them, instead of those with forward secrecy and authenticated encryption"
  ),
  reloadInterval: define(
    seconds,
    Duration.seconds(5),
    "How often the files are looked at; changed ones are used for new connections"
  )
}

type Table = typeof table
/** The options of TLS with their values. */
export type Values = {
  readonly [Name in Exclude<keyof Table, "cert" | "key">]: ValueOf<Table[Name]>
} & CertificateFiles

/** What a program sets under `tls`. */
export type Input = {
  readonly [Name in Exclude<keyof Table, "cert" | "key">]?: InputOf<Table[Name]>
} & CertificateFiles

/** The table's rows without their exact types; programs know them as `tls.…`. Listeners have them from the start. */
export const definitions: Rows<keyof Table> = (Object.entries(table) as unknown as Rows<keyof Table>).map(
  ([name, row]) => [name, atStart(row)] as const
)

/** Fills in the defaults and checks every value; nothing without input, which means no TLS. */
export const accept = (input: unknown): Values | Problem | undefined => {
  if (input === undefined) return undefined
  if (typeof input !== "object" || input === null) {
    return { option: "tls", value: input, expected: "an object with cert and key" }
  }
  const values: Record<string, unknown> = {}
  const problem = fillIn(definitions, { ...input }, values) ?? missing(values)
  if (problem !== undefined) return { ...problem, option: `tls.${problem.option}` }
  return values as unknown as Values // An accepted value of every row, and those that must be there.
}

const missing = ({ ca, cert, key, verifyClient }: Readonly<Record<string, unknown>>): Problem | undefined => {
  if (cert === undefined) return { option: "cert", value: cert, expected: "a certificate, since TLS is set up" }
  if (key === undefined) return { option: "key", value: key, expected: "the private key of the certificate" }
  // The public authorities certify anybody, so to verify against them would keep nobody out.
  return verifyClient === true && ca === undefined
    ? { option: "ca", value: ca, expected: "the authorities to verify clients against" }
    : undefined
}

import { spawnSync } from "node:child_process"
import { mkdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { BenchmarkProblem } from "./problem.ts"

/** Paths of PEM files. */
export interface CertificateFiles {
  readonly cert: string
  readonly key: string
}

const directory = join(tmpdir(), `pagi-bench-certificate-${process.pid}`)

/** Of servers that speak TLS. */
export const certificate: CertificateFiles = { cert: join(directory, "cert.pem"), key: join(directory, "key.pem") }

/** A key on P-256, as most sites have it, and a certificate of its own; both are removed when the benchmark ends. */
export const writeCertificate = (): void => {
  process.once("exit", () => rmSync(directory, { recursive: true, force: true }))
  mkdirSync(directory, { mode: 0o700 })
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", certificate.key]
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
  const { stderr, status } = spawnSync("openssl", ["req", "-x509", ...key, ...subject, "-out", certificate.cert], {
    encoding: "utf8"
  })
  if (status !== 0) throw new BenchmarkProblem(`openssl made no certificate: ${stderr.trim()}`)
}

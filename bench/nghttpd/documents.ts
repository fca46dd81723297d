import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { CertificateFiles } from "../harness/certificate.ts"
import type { Http2Row } from "../rows/row.ts"
import { contentType } from "../servers/support/contract.ts"

const directory = join(tmpdir(), `pagi-bench-documents-${process.pid}`)

/** What the paths of the rows name. */
const root = join(directory, "root")

/** Every document is text. */
const contentTypes = join(directory, "mime.types")

/** Writes what other servers answer as files; they are removed when the benchmark ends. */
export const writeDocuments = (rows: ReadonlyArray<Http2Row>): void => {
  process.once("exit", () => rmSync(directory, { recursive: true, force: true }))
  mkdirSync(root, { recursive: true })
  writeFileSync(contentTypes, `${contentType} html txt\n`)
  for (const { expectedBody, load } of rows) {
    writeFileSync(join(root, load.path === "/" ? "index.html" : load.path), expectedBody, "latin1")
  }
}

/** The program that serves them. */
export const documentsCommand = (port: number, certificate: CertificateFiles | undefined): ReadonlyArray<string> => [
  ...["nghttpd", "--address", "127.0.0.1"],
  ...["--htdocs", root],
  ...["--mime-types-file", contentTypes],
  ...(certificate === undefined ? ["--no-tls", String(port)] : [String(port), certificate.key, certificate.cert])
]

import { parseArgs } from "node:util"
import type { CertificateFiles } from "../../harness/certificate.ts"

export interface ServerArguments {
  readonly port: number
  /** With them the server speaks TLS. */
  readonly certificate: CertificateFiles | undefined
}

const argumentTypes = {
  port: { type: "string" },
  cert: { type: "string" },
  key: { type: "string" }
} as const

export const serverArguments = (): ServerArguments => {
  const { values } = parseArgs({ options: argumentTypes })
  const port = Number(values.port)
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new Error(`--port must be a number from 1 to 65535, not ${values.port}`)
  }
  const { cert, key } = values
  return { port, certificate: cert === undefined || key === undefined ? undefined : { cert, key } }
}

/** Where every server listens, as long a queue of connections as the kernel allows included. */
export const listenOptions = () => ({ port: serverArguments().port, host: "127.0.0.1", backlog: 2048 })

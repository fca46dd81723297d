import { fileURLToPath } from "node:url"
import type { LoadResult } from "../harness/generatorProcess.ts"
import { runLoadClient } from "../harness/loadClient.ts"
import type { TlsLoad } from "../rows/row.ts"
import { greeting } from "../servers/support/contract.ts"

const script = fileURLToPath(new URL("./client.ts", import.meta.url))

export const generateConnections = (port: number, load: TlsLoad, seconds: number): Promise<LoadResult> => {
  const options = ["--connections", String(load.connections), ...(load.resumes ? ["--resumes"] : [])]
  const counts = { counts: "connections", bytesOfEach: greeting.length }
  return runLoadClient({ name: "TLS", script, arguments: options, ...counts }, port, seconds)
}

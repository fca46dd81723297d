import { fileURLToPath } from "node:url"
import type { LoadResult } from "../harness/generatorProcess.ts"
import { runLoadClient } from "../harness/loadClient.ts"
import type { EchoLoad } from "../rows/row.ts"

const script = fileURLToPath(new URL("./client.ts", import.meta.url))

const optionsFor = (load: EchoLoad): ReadonlyArray<string> => [
  ...["--connections", String(load.connections)],
  ...["--in-flight", String(load.messagesInFlight)],
  ...["--bytes", String(load.messageBytes)],
  ...["--kind", load.kind]
]

export const generateEchoes = (port: number, load: EchoLoad, seconds: number): Promise<LoadResult> => {
  const counts = { counts: "echoes", bytesOfEach: load.messageBytes }
  return runLoadClient({ name: "WebSocket", script, arguments: optionsFor(load), ...counts }, port, seconds)
}

import { spawnSync } from "node:child_process"
import { realpathSync } from "node:fs"
import { join } from "node:path"
import { type Candidate, candidateOf, type CandidateName } from "../candidates.ts"
import { documentsCommand } from "../nghttpd/documents.ts"
import * as Contract from "../servers/support/contract.ts"
import { installationFolder, type InstallationName } from "./installations.ts"
import { serverFile } from "./serverFiles.ts"
import type { StartOptions } from "./runningServer.ts"

/** Started directly, not by the script of the package that looks for it: Bun's is put into its place when it is installed. */
const runtimePaths: Readonly<Record<"bun" | "deno", string>> = {
  bun: "node_modules/.bin/bun",
  deno: `node_modules/@deno/${process.platform}-${process.arch}${process.platform === "linux" ? "-glibc" : ""}/deno`
}

const runtimePath = (runtime: "bun" | "deno"): string => join(installationFolder("peers"), runtimePaths[runtime])

/** What a person has to know about a candidate that cannot be measured here. */
export const absenceOf = (name: CandidateName): string | undefined => {
  const { program } = candidateOf(name)
  if (program !== "bun" && program !== "deno") return undefined
  const path = runtimePath(program)
  return spawnSync(path, ["--version"]).status === 0 ? undefined : `npm has installed no ${program} that runs (${path})`
}

/** Node's flags that let its heap be measured, and a module that answers how much that is. */
const measuringFlags = (installation: InstallationName): ReadonlyArray<string> => [
  "--expose-gc",
  "--max-semi-space-size=1",
  "--import",
  serverFile(installation, "probe")
]

/** As `npx pagi-server` does; only flags for Node itself need the file that the link leads to. */
const commandOfServer = (installation: InstallationName, measuresMemory: boolean): ReadonlyArray<string> => {
  const link = join(installationFolder(installation), "node_modules/.bin/pagi-server")
  return measuresMemory ? [process.execPath, ...measuringFlags(installation), realpathSync(link)] : [link]
}

const interpreterOf = ({ installation, program }: Candidate, measuresMemory: boolean): ReadonlyArray<string> => {
  if (program === "bun") return [runtimePath(program)]
  if (program === "deno") return [runtimePath(program), "run", "--allow-all"]
  return [process.execPath, ...(measuresMemory ? measuringFlags(installation) : [])]
}

/** What rows ask of it beyond its defaults: more connections at a time, and kept for as long as the peers keep them. */
const limits: ReadonlyArray<string> = [
  ...["--max-connections", "20000"],
  ...["--timeout", String(Contract.keepAliveMilliseconds / 1000)]
]

export const commandFor = (name: CandidateName, port: number, options: StartOptions): ReadonlyArray<string> => {
  const { accessLogPath, certificate, measuresMemory = false, saysHelloOnly = false } = options
  const candidate = candidateOf(name)
  const { installation, program, server } = candidate
  if (program === "nghttpd") return documentsCommand(port, certificate)
  const file = serverFile(installation, saysHelloOnly ? `hello-${server}` : server)
  if (program === "pagi-server") {
    return [
      ...commandOfServer(installation, measuresMemory),
      ...["--port", String(port), "--quiet"],
      ...(saysHelloOnly ? [] : limits),
      ...(accessLogPath === undefined ? ["--no-access-log"] : ["--access-log", accessLogPath]),
      ...(certificate === undefined ? [] : ["--ssl-cert", certificate.cert, "--ssl-key", certificate.key]),
      file
    ]
  }
  return [
    ...interpreterOf(candidate, measuresMemory),
    file,
    ...["--port", String(port)],
    ...(certificate === undefined ? [] : ["--cert", certificate.cert, "--key", certificate.key])
  ]
}

/** The order in which files of tests begin: what takes long, in good time, so that the last ones end together. */
import { BaseSequencer, type TestSpecification } from "vitest/node"

/** A project of many short files, which comes after all others. */
const last = "core"

/** Files that take longer than others of their project, which their sizes do not tell. Those not named come after them. */
const long: ReadonlyArray<string> = [
  "cli/test/program.exports.test.ts",
  "cli/test/program.admin.test.ts",
  "cli/test/program.sockets.test.ts",
  "cli/test/program.test.ts",
  "cli/test/program.pressure.test.ts",
  "cli/test/service/Daemon.test.ts",
  "cli/test/top/TopCommand.test.ts",
  "cli/test/plan/CommandCheck.test.ts",
  "node/test/WebSocket.test.ts",
  "node/test/worker/OrphanGuard.test.ts",
  "node/test/Conformance.compression.test.ts",
  "node/test/Http2Client.test.ts",
  "node/test/Http2Programs.test.ts",
  "http1/test/Http1Driver.properties.test.ts",
  "http1/test/protocol/Connection.properties.test.ts",
  "http2/test/exchange/Http2Driver.honest.test.ts",
  "http2/test/Http2Driver.properties.test.ts",
  "websocket/test/WebSocketSession.properties.test.ts",
  "websocket/test/protocol/Connection.properties.test.ts",
  "websocket/test/protocol/Conformance.sizes.test.ts",
  "websocket/test/protocol/Utf8.test.ts"
]

/** Where a file stands in the list, or behind it. */
const rankOf = ({ moduleId }: TestSpecification): number => {
  const index = long.findIndex((path) => moduleId.endsWith(`/packages/${path}`))
  return index === -1 ? long.length : index
}

/** Keeps the files of a project together, as those that share what they load have to be, and puts the long ones first. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: Array<TestSpecification>): Promise<Array<TestSpecification>> {
    // oxlint-disable-next-line unicorn/no-array-sort -- It is no array's.
    const sorted = await super.sort(files)
    const projects = [...new Set(sorted.map(({ project }) => project.name))]
    const placeOf = ({ project }: TestSpecification): number =>
      project.name === last ? projects.length : projects.indexOf(project.name)
    return sorted.toSorted((one, other) => placeOf(one) - placeOf(other) || rankOf(one) - rankOf(other))
  }
}

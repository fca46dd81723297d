import type { InstallationName } from "./harness/installations.ts"

/** What runs a server: the packed command, an interpreter of its file, or nghttp2's program for files. */
export type Program = "pagi-server" | "node" | "bun" | "deno" | "nghttpd"

export interface Candidate {
  readonly program: Program
  /** Of `servers`, without its suffix: an application for the command, otherwise what the program is given to run. */
  readonly server: string
  /** Where npm has installed what it needs. */
  readonly installation: InstallationName
  /** Those whose versions matter for its figures. */
  readonly packages: ReadonlyArray<string>
  /** Selected together with this candidate, being the same server with another option. */
  readonly variantOf?: string
  readonly writesAccessLog?: boolean
}

const pagi = {
  program: "pagi-server",
  server: "pagi",
  installation: "current",
  packages: ["@pagi/cli", "effect"]
} as const

const before = { ...pagi, installation: "before" } as const

const onNode = (server: string, ...packages: ReadonlyArray<string>) =>
  ({ program: "node", server, installation: "peers", packages }) as const

export const candidates = {
  pagi,
  "pagi-access-log": { ...pagi, variantOf: "pagi", writesAccessLog: true },
  "pagi-hono": { ...pagi, server: "pagi-hono", packages: ["@pagi/cli", "effect", "hono"] },
  "pagi-before": before,
  "pagi-before-access-log": { ...before, variantOf: "pagi-before", writesAccessLog: true },
  floor: onNode("floor"),
  "node-http": onNode("node-http"),
  "node-https": onNode("node-http"),
  fastify: onNode("fastify", "fastify"),
  hono: onNode("hono", "hono", "@hono/node-server"),
  "effect-node-http-server": onNode("effect-node-http-server", "effect", "@effect/platform-node"),
  "effect-by-command": { ...pagi, server: "effect-by-command" },
  "effect-on-pagi": {
    program: "node",
    server: "effect-on-pagi",
    installation: "current",
    packages: ["@pagi/node", "effect"]
  },
  "effect-on-node": onNode("effect-on-node", "effect", "@effect/platform-node"),
  bun: { program: "bun", server: "bun", installation: "peers", packages: ["bun"] },
  deno: { program: "deno", server: "deno", installation: "peers", packages: ["deno"] },
  "websocket-floor": onNode("websocket-floor"),
  ws: onNode("ws", "ws"),
  topics: { ...pagi, server: "topics" },
  "topics-floor": onNode("topics-floor"),
  "topics-ws": onNode("topics-ws", "ws"),
  "node-http2": onNode("node-http2"),
  nghttpd: { program: "nghttpd", server: "nghttpd", installation: "peers", packages: [] }
} as const satisfies Record<string, Candidate>

export type CandidateName = keyof typeof candidates

export const candidateOf = (name: CandidateName): Candidate => candidates[name]

export const isCandidateName = (name: string): name is CandidateName => Object.hasOwn(candidates, name)

export const candidateNames: ReadonlyArray<CandidateName> = Object.keys(candidates).filter(isCandidateName)

/** Another version of this server. */
export const isBefore = (name: CandidateName): boolean => candidateOf(name).installation === "before"

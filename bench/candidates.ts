export interface Candidate {
  readonly server: string
  /** Those whose versions matter for its figures. */
  readonly packages: ReadonlyArray<string>
  /** Selected together with this candidate, being the same server with another option. */
  readonly variantOf?: string
  readonly writesAccessLog?: boolean
}

const pagi = { server: "pagi.ts", packages: ["@pagi/node", "effect"] }

export const candidates = {
  pagi,
  "pagi-access-log": { ...pagi, variantOf: "pagi", writesAccessLog: true },
  floor: { server: "floor.ts", packages: [] },
  "node-http": { server: "node-http.ts", packages: [] },
  fastify: { server: "fastify.ts", packages: ["fastify"] },
  hono: { server: "hono.ts", packages: ["hono", "@hono/node-server"] },
  "effect-node-http-server": {
    server: "effect-node-http-server.ts",
    packages: ["effect", "@effect/platform-node"]
  },
  "websocket-floor": { server: "websocket-floor.ts", packages: [] },
  ws: { server: "ws.ts", packages: ["ws"] }
} as const satisfies Record<string, Candidate>

export type CandidateName = keyof typeof candidates

export const candidateOf = (name: CandidateName): Candidate => candidates[name]

export const isCandidateName = (name: string): name is CandidateName => Object.hasOwn(candidates, name)

export const candidateNames: ReadonlyArray<CandidateName> = Object.keys(candidates).filter(isCandidateName)

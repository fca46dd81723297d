export interface Candidate {
  readonly server: string
  /** Selected together with this candidate, being the same server with another option. */
  readonly variantOf?: string
  readonly writesAccessLog?: boolean
}

export const candidates = {
  pagi: { server: "pagi.ts" },
  "pagi-access-log": { server: "pagi.ts", variantOf: "pagi", writesAccessLog: true },
  floor: { server: "floor.ts" },
  "node-http": { server: "node-http.ts" },
  fastify: { server: "fastify.ts" },
  hono: { server: "hono.ts" },
  "effect-node-http-server": { server: "effect-node-http-server.ts" }
} as const satisfies Record<string, Candidate>

export type CandidateName = keyof typeof candidates

export const candidateOf = (name: CandidateName): Candidate => candidates[name]

export const isCandidateName = (name: string): name is CandidateName => Object.hasOwn(candidates, name)

export const candidateNames: ReadonlyArray<CandidateName> = Object.keys(candidates).filter(isCandidateName)

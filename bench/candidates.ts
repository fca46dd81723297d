/** Of nghttp2, whose library for HTTP/2 Node uses too. */
export const nghttpd = Symbol("nghttpd")

export interface Candidate {
  /** A file of `servers`, or a program of the system that serves files. */
  readonly server: string | typeof nghttpd
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
  ws: { server: "ws.ts", packages: ["ws"] },
  "node-http2": { server: "node-http2.ts", packages: [] },
  nghttpd: { server: nghttpd, packages: [] }
} as const satisfies Record<string, Candidate>

export type CandidateName = keyof typeof candidates

export const candidateOf = (name: CandidateName): Candidate => candidates[name]

export const isCandidateName = (name: string): name is CandidateName => Object.hasOwn(candidates, name)

export const candidateNames: ReadonlyArray<CandidateName> = Object.keys(candidates).filter(isCandidateName)

/** What a runner of a cluster asks the process that keeps the locks of all: plain data, checked on arrival. */

/** Addresses, runners and shards are texts as `effect/cluster/RunnerStorage` encodes them. */
export type ClusterRequest =
  | { readonly type: "runners" }
  | { readonly type: "register"; readonly address: string; readonly runner: string; readonly healthy: boolean }
  | { readonly type: "unregister"; readonly address: string }
  | { readonly type: "health"; readonly address: string; readonly healthy: boolean }
  | { readonly type: "acquire"; readonly address: string; readonly shards: ReadonlyArray<string> }
  | { readonly type: "refresh"; readonly address: string; readonly shards: ReadonlyArray<string> }
  | { readonly type: "release"; readonly address: string; readonly shard: string }
  | { readonly type: "releaseAll"; readonly address: string }

/** A runner, and whether it is healthy. */
export type KnownRunner = readonly [runner: string, healthy: boolean]

/** One of these, as the request wants it; or why it was not done. */
export type ClusterAnswer =
  | { readonly type: "done" }
  | { readonly type: "runners"; readonly runners: ReadonlyArray<KnownRunner> }
  /** The number of the runner for identifiers that it makes: from 0 to 1023, and of no other that lives. */
  | { readonly type: "registered"; readonly machine: number }
  /** Those that the runner has. */
  | { readonly type: "shards"; readonly shards: ReadonlyArray<string> }
  | { readonly type: "refused"; readonly reason: string }

/** Bounds of what is kept and read, far beyond what a cluster on one machine needs. */
export const limits = { address: 255, runner: 16_384, shard: 255, shards: 65_536, runners: 1024 } as const

type Unread = Readonly<Record<string, unknown>>

const isText = (value: unknown, longest: number): value is string =>
  typeof value === "string" && value !== "" && value.length <= longest

const isShards = (value: unknown): value is ReadonlyArray<string> =>
  Array.isArray(value) && value.length <= limits.shards && value.every((shard) => isText(shard, limits.shard))

/** What was sent; nothing when it is no request. */
export const asRequest = (value: unknown): ClusterRequest | undefined => {
  if (typeof value !== "object" || value === null) return undefined
  const { address, healthy, runner, shard, shards, type }: Unread = { ...value }
  if (type === "runners") return { type }
  if (!isText(address, limits.address)) return undefined
  switch (type) {
    case "register":
      return isText(runner, limits.runner) && typeof healthy === "boolean"
        ? { type, address, runner, healthy }
        : undefined
    case "health":
      return typeof healthy === "boolean" ? { type, address, healthy } : undefined
    case "acquire":
    case "refresh":
      return isShards(shards) ? { type, address, shards } : undefined
    case "release":
      return isText(shard, limits.shard) ? { type, address, shard } : undefined
    case "unregister":
    case "releaseAll":
      return { type, address }
    default:
      return undefined
  }
}

const isKnown = (value: unknown): value is KnownRunner =>
  Array.isArray(value) && value.length === 2 && typeof value[0] === "string" && typeof value[1] === "boolean"

/** What was answered; nothing when it is no answer. */
export const asAnswer = (value: unknown): ClusterAnswer | undefined => {
  if (typeof value !== "object" || value === null) return undefined
  const { machine, reason, runners, shards, type }: Unread = { ...value }
  switch (type) {
    case "done":
      return { type }
    case "runners":
      return Array.isArray(runners) && runners.every(isKnown) ? { type, runners } : undefined
    case "registered":
      return typeof machine === "number" && Number.isSafeInteger(machine) ? { type, machine } : undefined
    case "shards":
      return isShards(shards) ? { type, shards } : undefined
    case "refused":
      return typeof reason === "string" ? { type, reason } : undefined
    default:
      return undefined
  }
}

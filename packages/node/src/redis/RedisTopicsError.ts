/** Why topics cannot be connected by Redis, and what to do about it. */
import * as Schema from "effect/Schema"

/** Topics cannot be connected by Redis. The message says why, and what to do. */
export class RedisTopicsError extends Schema.TaggedError<RedisTopicsError>()("RedisTopicsError", {
  message: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {}

/** What Redis or Node says of an error, without what it was asked: that may be secret. */
export const describe = (error: unknown): string => {
  if (error instanceof AggregateError) return error.errors.map(describe).join("; ")
  if (!(error instanceof Error)) return String(error)
  if (error.cause instanceof Error && error.message === "") return describe(error.cause)
  return error.message.replace(/, with args beginning with.*/s, "")
}

/** The commands of Redis that topics use, as rules of its ACLs. */
const rights =
  "+publish +subscribe +unsubscribe +pubsub|numsub +eval +set +get +mget +del +unlink +exists +pexpire +sadd +srem " +
  "+smembers +spop +hset +hdel +hgetall +ping +select +client|info +client|kill"

/** Whether Redis refuses something for what it is, or for who asks, rather than for its state. */
export const isLasting = (error: unknown): boolean =>
  /\b(NOPERM|CROSSSLOT|MOVED|CLUSTERDOWN|READONLY|unknown command)\b/.test(describe(error))

/** What a person can do about an error of Redis's or of the connection to it. */
export const advise = (error: unknown, root: string): string => {
  const text = describe(error)
  if (/NOPERM/.test(text)) {
    return `Give the user of this connection what topics need: ACL SETUSER <user> ~${root}* &${root}* ${rights}`
  }
  if (/WRONGPASS|NOAUTH|AUTH/.test(text))
    return "Look at the user and password in its URL (redis://user:password@host)."
  if (/unknown command|NOPROTO/i.test(text)) return "Topics need Redis 6 or later, or a server that does the same."
  if (/MOVED|CROSSSLOT|cluster/i.test(text)) return "Topics need one Redis server, not a node of a Redis Cluster."
  if (text.includes("OOM command"))
    return "Redis has no memory left for members: give it more (maxmemory), or find what fills it."
  if (/READONLY|NOREPLICAS|MASTERDOWN/.test(text)) return "Topics need a Redis that can be written to, not a replica."
  if (text.includes("MISCONF")) return "Redis cannot write its data to disk; its log says why."
  if (/LOADING/.test(text)) return "Redis is reading its data from disk; it is ready in a moment."
  return "Look whether redis-server runs, and whether its address is right (a URL such as redis://127.0.0.1:6379)."
}

/** The fields of a request as Effect's programs see them: one value for each name. */
import * as Headers from "effect/http/Headers"
import type { HeaderBlock } from "../http/HeaderBlock.ts"

/** Fields of which only the first line counts; the values of others are joined. The list is that of Node's HTTP server. */
const singular: ReadonlySet<string> = new Set([
  "age",
  "authorization",
  "content-length",
  "content-type",
  "etag",
  "expires",
  "from",
  "host",
  "if-modified-since",
  "if-unmodified-since",
  "last-modified",
  "location",
  "max-forwards",
  "proxy-authorization",
  "referer",
  "retry-after",
  "server",
  "user-agent"
])

/** Makes Effect's record of a header block, whose names are in lower case already. */
export const fromBlock = (block: HeaderBlock): Headers.Headers => {
  // Without a prototype, so that a field of the name `__proto__` is one like the others.
  const record: Record<string, string> = Object.create(null)
  for (const [name, value] of block) {
    const earlier = record[name]
    if (earlier === undefined) record[name] = value
    else if (!singular.has(name)) record[name] = `${earlier}${name === "cookie" ? "; " : ", "}${value}`
  }
  return Headers.fromRecordUnsafe(record)
}

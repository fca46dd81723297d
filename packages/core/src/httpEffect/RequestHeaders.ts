/** The fields of a request as Effect's programs see them: one value for each name. */
import * as Headers from "effect/http/Headers"
import { joinFields } from "../http/FieldRecord.ts"
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

const rules = { isSingular: (name: string): boolean => singular.has(name) }

/** Makes Effect's record of a header block, whose names are in lower case already. */
export const fromBlock = (block: HeaderBlock): Headers.Headers => Headers.fromRecordUnsafe(joinFields(block, rules))

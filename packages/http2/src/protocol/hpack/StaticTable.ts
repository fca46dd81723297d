/** The static table of HPACK (RFC 7541 appendix A). */
import type { ByteString } from "@pagi/core/bytes/ByteString"
import { HeaderField } from "./HeaderField.ts"

/** In the order of the appendix. */
const fields: ReadonlyArray<HeaderField> = [
  new HeaderField(":authority", ""),
  new HeaderField(":method", "GET"),
  new HeaderField(":method", "POST"),
  new HeaderField(":path", "/"),
  new HeaderField(":path", "/index.html"),
  new HeaderField(":scheme", "http"),
  new HeaderField(":scheme", "https"),
  new HeaderField(":status", "200"),
  new HeaderField(":status", "204"),
  new HeaderField(":status", "206"),
  new HeaderField(":status", "304"),
  new HeaderField(":status", "400"),
  new HeaderField(":status", "404"),
  new HeaderField(":status", "500"),
  new HeaderField("accept-charset", ""),
  new HeaderField("accept-encoding", "gzip, deflate"),
  new HeaderField("accept-language", ""),
  new HeaderField("accept-ranges", ""),
  new HeaderField("accept", ""),
  new HeaderField("access-control-allow-origin", ""),
  new HeaderField("age", ""),
  new HeaderField("allow", ""),
  new HeaderField("authorization", ""),
  new HeaderField("cache-control", ""),
  new HeaderField("content-disposition", ""),
  new HeaderField("content-encoding", ""),
  new HeaderField("content-language", ""),
  new HeaderField("content-length", ""),
  new HeaderField("content-location", ""),
  new HeaderField("content-range", ""),
  new HeaderField("content-type", ""),
  new HeaderField("cookie", ""),
  new HeaderField("date", ""),
  new HeaderField("etag", ""),
  new HeaderField("expect", ""),
  new HeaderField("expires", ""),
  new HeaderField("from", ""),
  new HeaderField("host", ""),
  new HeaderField("if-match", ""),
  new HeaderField("if-modified-since", ""),
  new HeaderField("if-none-match", ""),
  new HeaderField("if-range", ""),
  new HeaderField("if-unmodified-since", ""),
  new HeaderField("last-modified", ""),
  new HeaderField("link", ""),
  new HeaderField("location", ""),
  new HeaderField("max-forwards", ""),
  new HeaderField("proxy-authenticate", ""),
  new HeaderField("proxy-authorization", ""),
  new HeaderField("range", ""),
  new HeaderField("referer", ""),
  new HeaderField("refresh", ""),
  new HeaderField("retry-after", ""),
  new HeaderField("server", ""),
  new HeaderField("set-cookie", ""),
  new HeaderField("strict-transport-security", ""),
  new HeaderField("transfer-encoding", ""),
  new HeaderField("user-agent", ""),
  new HeaderField("vary", ""),
  new HeaderField("via", ""),
  new HeaderField("www-authenticate", "")
]

/** Indices count from 1; those above this one belong to the dynamic table (RFC 7541 §2.3.3). */
export const staticLength: number = fields.length

/** The field at an index; `undefined` when that is not in this table. */
export const staticField = (index: number): HeaderField | undefined => (index > 0 ? fields[index - 1] : undefined)

/** The first index of each name. Fields of the same name stand together. */
const firstIndices: ReadonlyMap<ByteString, number> = new Map(
  fields.map(({ name }, position): [ByteString, number] => [name, position + 1]).toReversed()
)

/** The first index of a name; 0 when there is none. */
export const staticNameIndex = (name: ByteString): number => firstIndices.get(name) ?? 0

/** The index of a name with a value, given the first index of the name or 0; 0 when there is none. */
export const staticFieldIndex = (firstIndex: number, value: ByteString): number => {
  if (firstIndex === 0) return 0
  const name = staticField(firstIndex)?.name
  for (let index = firstIndex; ; index++) {
    const field = staticField(index)
    if (field === undefined || field.name !== name) return 0
    if (field.value === value) return index
  }
}

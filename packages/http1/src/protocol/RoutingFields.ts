import type { ByteString } from "@pagi/core/bytes/ByteString"

/** The fields by which a request is framed and routed, gathered from a header section. */
export interface RoutingFields {
  host: ByteString | undefined
  hostCount: number
  contentLength: ByteString | undefined
  contentLengthCount: number
  /** Of list fields that come more than once, the values are joined (RFC 9110 §5.3). */
  transferEncoding: ByteString | undefined
  connection: ByteString | undefined
  expect: ByteString | undefined
  upgrade: ByteString | undefined
  cookieCount: number
}

/** Looks at each field once; the length of the name rules nearly all of them out. */
export const gatherRoutingFields = (headers: ReadonlyArray<readonly [name: string, value: string]>): RoutingFields => {
  const found: RoutingFields = {
    host: undefined,
    hostCount: 0,
    contentLength: undefined,
    contentLengthCount: 0,
    transferEncoding: undefined,
    connection: undefined,
    expect: undefined,
    upgrade: undefined,
    cookieCount: 0
  }
  for (const [name, value] of headers) {
    switch (name.length) {
      case 4:
        if (name === "host") {
          found.host = value
          found.hostCount++
        }
        break
      case 6:
        if (name === "cookie") found.cookieCount++
        else if (name === "expect") found.expect = join(found.expect, value)
        break
      case 7:
        if (name === "upgrade") found.upgrade = join(found.upgrade, value)
        break
      case 10:
        if (name === "connection") found.connection = join(found.connection, value)
        break
      case 14:
        if (name === "content-length") {
          found.contentLength = value
          found.contentLengthCount++
        }
        break
      case 17:
        if (name === "transfer-encoding") found.transferEncoding = join(found.transferEncoding, value)
        break
    }
  }
  return found
}

const join = (earlier: ByteString | undefined, value: ByteString): ByteString =>
  earlier === undefined ? value : `${earlier}, ${value}`

/** Makes one field of several Cookie fields, at the place of the first one (RFC 6265 §4.2.1 and RFC 9113 §8.2.3). */
export const combineCookies = (headers: ReadonlyArray<[name: string, value: string]>): Array<[string, string]> => {
  const combined: Array<[string, string]> = []
  let cookie: [string, string] | undefined
  for (const field of headers) {
    if (field[0] !== "cookie") combined.push(field)
    else if (cookie === undefined) combined.push((cookie = field))
    else cookie[1] += `; ${field[1]}`
  }
  return combined
}

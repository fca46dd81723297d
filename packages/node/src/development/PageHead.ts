/** The head of a page whose content will be longer than the application says, by a script at its end. */
import type { HeaderBlock } from "@pagi/core/http/HeaderBlock"
import * as PagePolicy from "./PagePolicy.ts"

/** A head, and what has to be put behind the content. */
export interface ChangedHead {
  readonly headers: HeaderBlock
  readonly script: string
}

const valueOf = (headers: HeaderBlock, name: string): string | undefined =>
  headers.find(([other]) => other.toLowerCase() === name)?.[1]

/** In such an encoding ASCII is something else. */
const isWide = (type: string): boolean => /;\s*charset\s*=\s*["']?(?:utf-?16|utf-?32|ucs|iso-10646)/i.test(type)

/** Whether it is a whole page with content that a script can be put behind: nothing compressed, in part, or to be saved. */
export const isPage = (status: number, headers: HeaderBlock): boolean => {
  if (status === 204 || status === 205 || status === 206 || (status >= 300 && status < 400)) return false
  const type = valueOf(headers, "content-type") ?? ""
  if (!/^\s*text\/html\s*(?:;|$)/i.test(type) || isWide(type)) return false
  const coding = valueOf(headers, "content-encoding")?.trim().toLowerCase() ?? ""
  if (coding !== "" && coding !== "identity") return false
  return !/^\s*attachment\b/i.test(valueOf(headers, "content-disposition") ?? "")
}

/** What is said of the content that is no longer so, and what would have a page be kept that has an old script. */
const dropped = new Set([
  "accept-ranges",
  "cache-control",
  "content-digest",
  "content-length",
  "content-md5",
  "digest",
  "etag",
  "expires",
  "last-modified",
  "pragma",
  "repr-digest"
])

const policyFields = new Set(["content-security-policy", "content-security-policy-report-only"])

/** Changes the head of a page; `element` makes the script, with a nonce if it must have one. */
export const change = (headers: HeaderBlock, element: (nonce: string | undefined) => string): ChangedHead => {
  const isPolicy = ([name]: HeaderBlock[number]) => policyFields.has(name.toLowerCase())
  const fields = headers.filter(isPolicy)
  const { nonce, policies } = PagePolicy.allowing(fields.map(([, value]) => value))
  const script = element(nonce)
  const length = valueOf(headers, "content-length")
  const changed = headers.filter((field) => !isPolicy(field) && !dropped.has(field[0].toLowerCase()))
  return {
    headers: [
      ...changed,
      ["cache-control", "no-store"],
      ...fields.map(([name], index) => [name, policies[index] ?? ""] as const),
      ...(length !== undefined && /^\d{1,15}$/.test(length)
        ? [["content-length", String(Number(length) + Buffer.byteLength(script))] as const]
        : [])
    ],
    script
  }
}

/** What has an application answer with less than the whole page, or with one that is compressed. */
const conditions = new Set(["accept-encoding", "if-modified-since", "if-none-match", "if-range", "range"])

/** The fields of a request for a page, whole and as it is. */
export const wholeRequest = (headers: HeaderBlock): HeaderBlock => headers.filter(([name]) => !conditions.has(name))

/** Fields by which browsers are told what a page may do, and who may use it. */
import type { HeaderBlock } from "@pagi/core/http/HeaderBlock"

/** What fields are for: any site, one that loads nothing from elsewhere, or programs that ask for data. */
export type SecurityPreset = "basic" | "strict" | "api"

const noSniffing = ["x-content-type-options", "nosniff"] as const
const noPolicyFiles = ["x-permitted-cross-domain-policies", "none"] as const

/** The fields of each preset (docs/security-headers.md). */
export const presets: Readonly<Record<SecurityPreset, HeaderBlock>> = {
  basic: [
    noSniffing,
    ["x-frame-options", "SAMEORIGIN"],
    ["referrer-policy", "strict-origin-when-cross-origin"],
    ["cross-origin-opener-policy", "same-origin-allow-popups"],
    noPolicyFiles
  ],
  strict: [
    noSniffing,
    [
      "content-security-policy",
      "default-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
    ],
    ["x-frame-options", "DENY"],
    ["referrer-policy", "no-referrer"],
    ["permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"],
    ["cross-origin-opener-policy", "same-origin"],
    ["cross-origin-resource-policy", "same-origin"],
    noPolicyFiles
  ],
  api: [
    noSniffing,
    ["content-security-policy", "default-src 'none'; frame-ancestors 'none'"],
    ["x-frame-options", "DENY"],
    ["referrer-policy", "no-referrer"],
    ["cross-origin-resource-policy", "same-origin"]
  ]
}

/** What responses have besides what the application says. */
export interface SecuritySettings {
  /** A set of fields; none when absent. */
  readonly preset?: SecurityPreset | undefined
  /** The value of Strict-Transport-Security, which only responses to requests by https have; none when absent. */
  readonly hsts?: string | undefined
}

/** Makes what adds the fields that a response does not have; `isSecure` says whether the request came by https. */
export const adding = ({
  hsts,
  preset
}: SecuritySettings): ((headers: HeaderBlock, isSecure: boolean) => HeaderBlock) => {
  const plain = preset === undefined ? [] : presets[preset]
  const secure: HeaderBlock = hsts === undefined ? plain : [...plain, ["strict-transport-security", hsts]]
  return (headers, isSecure) => {
    const fields = isSecure ? secure : plain
    if (fields.length === 0) return headers
    const names = new Set(headers.map(([name]) => name.toLowerCase()))
    return [...headers, ...fields.filter(([name]) => !names.has(name))]
  }
}

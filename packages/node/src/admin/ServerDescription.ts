/** What a server says of itself that does not change: versions, and its options. */
import { differing, type Values } from "@pagi/core/options/ServerOptions"
import { version } from "../process/Version.ts"

/** The part of a `ServerStatus` that stays as it is. */
export const make = (options: Values, adminUrl: string | undefined) => ({
  version,
  node: process.versions.node,
  options: differing(options),
  ...(adminUrl === undefined ? {} : { adminUrl })
})

/**
 * Which programs the server runs on. Imports nothing and is written for any of them: elsewhere the rest may fail when it
 * is imported, or worse, at the first connection.
 */

/** Major and minor version of the oldest Node, as `engines` in the manifests has it. */
const oldest = [22, 19] as const

/** What runs this program, by its name and version. */
const nameOf = (versions: NodeJS.ProcessVersions): string => {
  if (versions["bun"] !== undefined) return `Bun ${versions["bun"]}`
  if (versions["deno"] !== undefined) return `Deno ${versions["deno"]}`
  return `Node ${versions.node}`
}

const isSupported = (versions: NodeJS.ProcessVersions): boolean => {
  // Others say that they are some Node too.
  if (versions["bun"] !== undefined || versions["deno"] !== undefined) return false
  const [major = 0, minor = 0] = versions.node.split(".").map(Number)
  return major > oldest[0] || (major === oldest[0] && minor >= oldest[1])
}

/** What is wrong with what runs this program, if anything is. */
export const problemOf = (versions: NodeJS.ProcessVersions): string | undefined =>
  isSupported(versions) ? undefined : `PAGI needs Node ${oldest.join(".")} or later, and this is ${nameOf(versions)}`

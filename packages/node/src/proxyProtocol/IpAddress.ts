/** IP addresses: from text, as version 1 has them, and from bytes, as version 2 does, to one text each. */

const decimal = /^(?:0|[1-9]\d{0,4})$/

/** A number without leading zeros; nothing beyond the limit. */
export const parseDecimal = (text: string, limit: number): number | undefined => {
  const value = decimal.test(text) ? Number(text) : undefined
  return value !== undefined && value <= limit ? value : undefined
}

const parseBytes = (text: string): ReadonlyArray<number> | undefined => {
  const bytes = text.split(".").map((part) => parseDecimal(part, 255))
  return bytes.length === 4 && bytes.every((byte) => byte !== undefined) ? bytes : undefined
}

/** The same text if it is an address of IPv4. */
export const parseIpv4 = (text: string): string | undefined => (parseBytes(text) === undefined ? undefined : text)

/** The 16-bit groups of a part of an address; its last two may be written as an address of IPv4. */
const parseGroups = (text: string, mayEndInIpv4: boolean): ReadonlyArray<number> | undefined => {
  if (text === "") return []
  const groups: Array<number> = []
  const parts = text.split(":")
  for (const [index, part] of parts.entries()) {
    const bytes = mayEndInIpv4 && index === parts.length - 1 ? parseBytes(part) : undefined
    if (bytes !== undefined) {
      const [a = 0, b = 0, c = 0, d = 0] = bytes
      groups.push(a * 256 + b, c * 256 + d)
    } else if (/^[\da-f]{1,4}$/i.test(part)) groups.push(Number.parseInt(part, 16))
    else return undefined
  }
  return groups
}

/** An address of IPv6 in its usual text, of whatever text there is for it. */
export const parseIpv6 = (text: string): string | undefined => {
  const [before = "", after, ...more] = text.split("::")
  if (more.length > 0) return undefined
  const front = parseGroups(before, after === undefined)
  const back = parseGroups(after ?? "", true)
  if (front === undefined || back === undefined) return undefined
  const missing = 8 - front.length - back.length
  if (after === undefined ? missing !== 0 : missing < 1) return undefined
  return formatGroups([...front, ...Array.from({ length: missing }, () => 0), ...back])
}

/** Where the longest run of zeros begins, the first of those of equal length, and its length. A single zero is none. */
const longestZeros = (groups: ReadonlyArray<number>): readonly [start: number, length: number] => {
  let best: readonly [number, number] = [-1, 1]
  let length = 0
  for (const [index, group] of groups.entries()) {
    length = group === 0 ? length + 1 : 0
    if (length > best[1]) best = [index - length + 1, length]
  }
  return best
}

/** The text of RFC 5952, which the system has for addresses as well. */
const formatGroups = (groups: ReadonlyArray<number>): string => {
  const hex = (some: ReadonlyArray<number>): string => some.map((group) => group.toString(16)).join(":")
  const [start, length] = longestZeros(groups)
  if (start === 0 && length === 5 && groups[5] === 0xffff) {
    const [high = 0, low = 0] = groups.slice(6)
    return `::ffff:${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`
  }
  return start < 0 ? hex(groups) : `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`
}

/** The text of an address of IPv4 in four bytes. */
export const formatIpv4 = (bytes: Uint8Array): string => bytes.join(".")

/** The text of an address of IPv6 in sixteen bytes. */
export const formatIpv6 = (bytes: Uint8Array): string => {
  const groups: Array<number> = []
  for (let index = 0; index < 16; index += 2) groups.push((bytes[index] ?? 0) * 256 + (bytes[index + 1] ?? 0))
  return formatGroups(groups)
}

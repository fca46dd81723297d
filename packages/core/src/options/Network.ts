/** Addresses and networks of peers, and the text that stands for all peers of Unix sockets. */
import { commaList, type Kind } from "./OptionKind.ts"

/** A network: all addresses whose first so many bits are those of this address; an address alone is one of all its bits. */
export interface Network {
  readonly address: string
  readonly family: "ipv4" | "ipv6"
  readonly prefix: number
}

/** What stands for all peers of Unix sockets, which have no address. */
export const unixPeers = "unix"

const decimal = /^(?:0|[1-9]\d{0,2})$/

const isIpv4 = (text: string): boolean => {
  const parts = text.split(".")
  return parts.length === 4 && parts.every((part) => decimal.test(part) && Number(part) <= 255)
}

const isIpv6 = (text: string): boolean => /^[\da-f:.]*:[\da-f:.]*$/i.test(text) && URL.canParse(`http://[${text}]/`)

/** Reads an address, or an address and the length of its prefix behind a slash; nothing of a text that is neither. */
export const parse = (text: string): Network | undefined => {
  const [address = "", length, ...rest] = text.split("/")
  if (rest.length > 0) return undefined
  const family = isIpv4(address) ? "ipv4" : isIpv6(address) ? "ipv6" : undefined
  if (family === undefined) return undefined
  const bits = family === "ipv4" ? 32 : 128
  if (length === undefined) return { address, family, prefix: bits }
  return decimal.test(length) && Number(length) <= bits ? { address, family, prefix: Number(length) } : undefined
}

/** An address, a network, or `unix`. */
export const peerKind: Kind<string, string> = {
  expected: `addresses and networks such as 127.0.0.1, 10.0.0.0/8 and fd00::/8, or ${unixPeers} for Unix sockets`,
  placeholder: "ADDRESS|NETWORK|unix",
  accept: (input) =>
    typeof input === "string" && (input === unixPeers || parse(input) !== undefined) ? input : undefined,
  fromText: (text) => text,
  toText: String
}

/** Several of them; on the command line with commas between them, or by several flags. */
export const peersKind: Kind<ReadonlyArray<string>, ReadonlyArray<string>> = commaList(peerKind, 1)

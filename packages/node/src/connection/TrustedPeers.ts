/** Which peers are trusted, by the addresses and networks that an option names. */
import { parse, unixPeers } from "@pagi/core/options/Network"
import type { IsTrusted } from "@pagi/core/server/RequestIds"
import { BlockList, isIP } from "node:net"

/** How many addresses are remembered: a look at the list takes over a microsecond, and proxies are few. */
const remembered = 256

/** Tells those that come from one of these addresses and networks, or from a Unix socket if `unix` is among them. */
export const make = (peers: ReadonlyArray<string>): IsTrusted => {
  const list = new BlockList()
  for (const peer of peers) {
    const network = parse(peer)
    if (network !== undefined) list.addSubnet(network.address, network.prefix, network.family)
  }
  const trustsUnix = peers.includes(unixPeers)
  const known = new Map<string, boolean>()
  return ({ client, hasUnknownClient, server }) => {
    if (hasUnknownClient === true) return false
    // A peer of TCP has no address either once it has reset its connection; only its listener tells which of the two it is.
    if (client === undefined) return trustsUnix && server?.[1] === null
    const [host] = client
    let isTrusted = known.get(host)
    if (isTrusted === undefined) {
      const version = isIP(host)
      isTrusted = version !== 0 && list.check(host, version === 6 ? "ipv6" : "ipv4")
      if (known.size === remembered) known.clear()
      known.set(host, isTrusted)
    }
    return isTrusted
  }
}

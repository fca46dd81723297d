/** Where a socket is: `[host, port]`, or `[path, null]` for a Unix socket. Port 0 is one that nobody knows. */
export type Address = readonly [host: string, port: number | null]

/** `host:port`, with brackets around an address of IPv6; the host alone for port 0, and of a Unix socket its path. */
export const formatAddress = ([host, port]: Address): string =>
  port === null || port === 0 ? host : `${host.includes(":") ? `[${host}]` : host}:${port}`

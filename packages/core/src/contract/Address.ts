/** Where a socket is: `[host, port]`, or `[path, null]` for a Unix socket. */
export type Address = readonly [host: string, port: number | null]

/** `host:port`, with brackets around an address of IPv6; of a Unix socket its path. */
export const formatAddress = ([host, port]: Address): string =>
  port === null ? host : `${host.includes(":") ? `[${host}]` : host}:${port}`

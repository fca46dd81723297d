/** Where a socket is: `[host, port]`, or `[path, null]` for a Unix socket. */
export type Address = readonly [host: string, port: number | null]

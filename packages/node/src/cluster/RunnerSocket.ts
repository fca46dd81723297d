/**
 * What the addresses of runners mean on one machine. Effect's have a host and a port; here the host is always the same, and
 * the port is a number at random that names a Unix socket in the pool's folder.
 */

/** No name of a host that anybody could have. */
export const host = "pagi.pool"

/** Numbers go up to this one, so that names of sockets stay short. */
export const highestPort = 2 ** 31 - 1

export const pathOf = (folder: string, port: number): string => `${folder}/r-${port}.sock`

const pattern = /^pagi\.pool:(\d{1,10})$/

/** The socket of an address as text; nothing for addresses of other clusters. */
export const socketOf = (folder: string, address: string): string | undefined => {
  const port = pattern.exec(address)?.[1]
  return port === undefined ? undefined : pathOf(folder, Number(port))
}

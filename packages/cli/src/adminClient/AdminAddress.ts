/** Where an admin listener is: what people write for it, and how a request gets there. Loads nothing of Effect's runtime. */
import * as Endpoint from "@pagi/core/options/Endpoint"

/** The text as the option has it, of that or of a URL, which for a Unix socket is `unix:` and its path. */
export const textOf = (text: string): string => {
  if (text.startsWith("unix:/")) return text.slice("unix:".length)
  const url = /^http:\/\/([^/?#]+)\/?$/.exec(text)?.[1]
  return url === undefined || url.includes(":") ? (url ?? text) : `${url}:80`
}

/** The endpoint that a text names. */
export const parse = (text: string): Endpoint.Endpoint | undefined => Endpoint.kind.accept(textOf(text))

/** What Node's client of HTTP is told to connect to. */
export const target = (endpoint: Endpoint.Endpoint) =>
  endpoint._tag === "Tcp" ? { host: endpoint.host, port: endpoint.port } : { socketPath: endpoint.path }

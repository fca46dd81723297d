/**
 * What clients have seen, kept under the names of the series in which a server should have counted it. What a client
 * cannot know is a range: a message that was under way when the server closed may have come or not.
 */
import type { Scrape } from "./Scrape.ts"

interface Entry {
  least: number
  most: number
}

/** A series as `/metrics` writes it. */
export const seriesOf = (name: string, labels: Readonly<Record<string, string>> = {}): string => {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
  return pairs.length === 0 ? name : `${name}{${pairs.join(",")}}`
}

/** The metric of connections that have begun. */
export const opened = "pagi_server_connections_opened_total"

/** The metric of connections that have ended. */
export const closed = "pagi_server_connections_closed_total"

/** A request as its metrics tell it apart. */
export interface CountedRequest {
  readonly method: string
  /** Empty without a valid head. */
  readonly version: "1.1" | "2" | ""
  readonly status: number
  readonly kind?: "http" | "sse" | "websocket"
}

export class Ledger {
  readonly scheme: "http" | "https"
  readonly #entries = new Map<string, Entry>()
  /** Requests of known kinds that were answered. */
  requests = 0
  /** Whether no server goes away meanwhile: what was sent on a connection that has ended was read. */
  isCalm = true

  constructor(scheme: "http" | "https") {
    this.scheme = scheme
  }

  add(series: string, count = 1): void {
    this.#of(series).least += count
    this.#of(series).most += count
  }

  /** The server may have counted so much, or less. */
  maybe(series: string, count = 1): void {
    this.#of(series).most += count
  }

  #of(series: string): Entry {
    const known = this.#entries.get(series)
    if (known !== undefined) return known
    const entry = { least: 0, most: 0 }
    this.#entries.set(series, entry)
    return entry
  }

  request({ kind = "http", method, status, version }: CountedRequest): void {
    this.requests++
    const [request, protocol] = [{ http_request_method: method }, { network_protocol_version: version }]
    const statusClass = { status_class: `${Math.floor(status / 100)}xx` }
    this.add(seriesOf("pagi_server_requests_total", { ...request, ...protocol, ...statusClass, kind }))
    if (status !== 499) this.add(seriesOf("pagi_server_first_byte_duration_seconds_count", protocol))
    if (version !== "") this.add(seriesOf("pagi_server_queue_duration_seconds_count", protocol))
    if (kind === "http") {
      const code = { http_response_status_code: String(status) }
      const labels = { ...request, ...code, ...protocol, url_scheme: this.scheme }
      this.add(seriesOf("http_server_request_duration_seconds_count", labels))
    } else this.add(seriesOf("pagi_server_session_duration_seconds_count", { kind }))
  }

  /** A connection has ended. Why, only the server knows when it goes away at any time. */
  ended(protocol: string, reason: string): void {
    if (this.isCalm) this.add(seriesOf(closed, { network_protocol_name: protocol, reason }))
  }

  /** Series that the server has counted otherwise than clients; none when all is well. */
  differences(scrape: Scrape, isCompared: (series: string) => boolean): ReadonlyArray<string> {
    const all = new Set([...this.#entries.keys(), ...scrape.values.keys()].filter(isCompared))
    return [...all].toSorted().flatMap((series) => {
      const { least, most } = this.#entries.get(series) ?? { least: 0, most: 0 }
      const counted = scrape.values.get(series) ?? 0
      if (counted >= least && counted <= most) return []
      return [`${series}: ${counted} instead of ${least === most ? least : `${least} to ${most}`}`]
    })
  }
}

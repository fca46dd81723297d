/** Counts what servers do, as an observer of them; Effect's `Metric` has the numbers when somebody asks for them. */
import type {
  ConnectionEnd,
  ConnectionProtocol,
  ExchangeKind,
  ExchangeRecord,
  Limit,
  Observer,
  TlsOutcome
} from "../observe/Observer.ts"
import { table } from "./MetricTable.ts"
import { Count, Distribution, other, type SeriesRegistry } from "./Series.ts"

/** Methods that are told apart; the names of others are up to clients. */
const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE", "QUERY"]

const methodNumbers: ReadonlyMap<string, number> = new Map(methods.map((name, index) => [name, index]))

/** Protocols of connections, of which there may be none at first. */
const protocols: ReadonlyArray<ConnectionProtocol> = ["unknown", "http/1.1", "h2", "websocket"]

/** The number of one that is not told apart, and of no request at all, is behind all others. */
const methodNumber = (name: string | undefined): number => {
  if (name === "GET") return 0
  return name === undefined ? methods.length : (methodNumbers.get(name) ?? methods.length)
}

const versions = ["1.1", "2", "1.0", ""]

const versionNumber = (version: string | undefined): number => {
  if (version === "1.1") return 0
  if (version === "2") return 1
  return version === "1.0" ? 2 : 3
}

const kindNumber = (kind: ExchangeKind): number => {
  if (kind === "http") return 0
  return kind === "sse" ? 1 : 2
}

/** What is counted of exchanges that are alike. */
interface ExchangeSeries {
  readonly requests: Count
  /** That of what lasts is a metric of its own. */
  readonly duration: Distribution
}

/** Counts for all servers that use one registry. */
export class ServerCounters implements Observer {
  readonly usesFirstByte = true
  readonly #opened = new Count()
  readonly #received = new Count()
  readonly #sent = new Count()
  readonly #suspended = new Count()
  readonly #messagesIn = new Count()
  readonly #messagesOut = new Count()
  #exchanges = 0
  #waiting = 0
  /** By what `exchangeEnded` makes of a record's properties. */
  readonly #alike = new Map<number, ExchangeSeries>()
  /** Those of the exchange before, which mostly was like the next. */
  #lastKey = -1
  #last: ExchangeSeries = { requests: new Count(), duration: new Distribution([]) }
  readonly #firstBytes: Array<Distribution | undefined> = []
  readonly #queueTimes: Array<Distribution | undefined> = []
  readonly #families

  constructor(registry: SeriesRegistry) {
    this.#families = {
      connections: registry.gauges(table.connections),
      durations: registry.distributions(table.requestDuration),
      requests: registry.counts(table.requests),
      sessions: registry.distributions(table.sessionDuration),
      firstBytes: registry.distributions(table.firstByte),
      queueTimes: registry.distributions(table.queueTime),
      waitTimes: registry.distributions(table.waitTime),
      closed: registry.counts(table.connectionsClosed),
      limits: registry.counts(table.limits),
      errors: registry.counts(table.protocolErrors),
      resets: registry.counts(table.resets),
      handshakes: registry.counts(table.handshakes)
    }
    for (const protocol of protocols) this.#families.connections.of(protocol)
    registry.gauge(table.activeRequests, () => this.#exchanges)
    registry.gauge(table.waitingRequests, () => this.#waiting)
    registry.count(table.connectionsOpened, () => this.#opened.value)
    registry.count(table.bytes, () => this.#received.value, "receive")
    registry.count(table.bytes, () => this.#sent.value, "transmit")
    registry.count(table.suspendedSends, () => this.#suspended.value)
    registry.count(table.messages, () => this.#messagesIn.value, "receive")
    registry.count(table.messages, () => this.#messagesOut.value, "transmit")
  }

  // connections ------------------------------------------------------------------------------------------------------

  connectionOpened(protocol: ConnectionProtocol): void {
    this.#families.connections.of(protocol).value++
    this.#opened.value++
  }

  protocolChanged(protocol: ConnectionProtocol, before: ConnectionProtocol): void {
    this.#families.connections.of(before).value--
    this.#families.connections.of(protocol).value++
  }

  connectionClosed(protocol: ConnectionProtocol, reason: ConnectionEnd): void {
    this.#families.connections.of(protocol).value--
    this.#families.closed.of(protocol, reason).value++
  }

  bytesReceived(length: number): void {
    this.#received.value += length
  }

  bytesSent(length: number): void {
    this.#sent.value += length
  }

  sendSuspended(): void {
    this.#suspended.value++
  }

  waitBegan(): void {
    this.#waiting++
  }

  waitEnded(duration: number): void {
    this.#waiting--
    this.#families.waitTimes.of().add(duration / 1000)
  }

  streamReset(by: "client" | "server"): void {
    this.#families.resets.of(by).value++
  }

  tlsHandshakeEnded(outcome: TlsOutcome, version: string): void {
    this.#families.handshakes.of(version, outcome).value++
  }

  webSocketMessage(direction: "receive" | "transmit"): void {
    if (direction === "receive") this.#messagesIn.value++
    else this.#messagesOut.value++
  }

  protocolError(reason: string): void {
    this.#families.errors.of(reason).value++
  }

  limitHit(limit: Limit): void {
    this.#families.limits.of(limit).value++
  }

  // exchanges --------------------------------------------------------------------------------------------------------

  exchangeStarted(): void {
    this.#exchanges++
  }

  exchangeEnded(record: ExchangeRecord): void {
    this.#exchanges--
    const { duration, firstByte, kind, queueTime, request, secure, status } = record
    const method = methodNumber(request?.method)
    const version = versionNumber(request?.httpVersion)
    const key = (((status * 16 + method) * 4 + version) * 2 + (secure ? 1 : 0)) * 4 + kindNumber(kind)
    const series = key === this.#lastKey ? this.#last : this.#seriesOf(key, record, method, version)
    series.requests.value++
    series.duration.add(duration / 1000)
    if (firstByte !== undefined) this.#firstByteOf(version).add(firstByte / 1000)
    if (queueTime !== undefined) this.#queueTimeOf(version).add(queueTime / 1000)
  }

  #seriesOf(key: number, record: ExchangeRecord, method: number, version: number): ExchangeSeries {
    this.#lastKey = key
    return (this.#last = this.#alike.get(key) ?? this.#addAlike(key, record, method, version))
  }

  #addAlike(key: number, record: ExchangeRecord, methodNumber: number, version: number): ExchangeSeries {
    const { durations, requests, sessions } = this.#families
    const { kind, secure, status } = record
    const [method, httpVersion] = [methods[methodNumber] ?? other, versions[version] ?? ""]
    const series = {
      requests: requests.of(method, httpVersion, `${Math.floor(status / 100)}xx`, kind),
      duration:
        kind === "http"
          ? durations.of(method, String(status), httpVersion, secure ? "https" : "http")
          : sessions.of(kind)
    }
    this.#alike.set(key, series)
    return series
  }

  #firstByteOf(version: number): Distribution {
    return (this.#firstBytes[version] ??= this.#families.firstBytes.of(versions[version] ?? ""))
  }

  #queueTimeOf(version: number): Distribution {
    return (this.#queueTimes[version] ??= this.#families.queueTimes.of(versions[version] ?? ""))
  }
}

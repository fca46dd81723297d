/** What clients do that a server does not like, or at least does not see often; each of it once, and expected to be counted. */
import { once } from "node:events"
import { connect } from "node:net"
import { takeResponse } from "./Http1.ts"
import { reset as resetStream } from "./Http2.ts"
import { type Ledger, opened, seriesOf } from "./Ledger.ts"
import { open, type Place, type Wire } from "./Wire.ts"

const ask = async (wire: Wire, request: string, status: number): Promise<void> => {
  wire.send(request)
  const response = await wire.next(takeResponse("GET"))
  if (response?.status !== status) throw new Error(`${request}: ${response?.head}`)
}

const withoutHost = async (place: Place, ledger: Ledger): Promise<void> => {
  const wire = await open(place, ledger, "http/1.1")
  await ask(wire, "GET / HTTP/1.1\r\n\r\n", 400)
  await wire.closed()
  ledger.add(seriesOf("pagi_server_protocol_errors_total", { reason: "missing-host" }))
  ledger.request({ method: "_OTHER", version: "", status: 400 })
  ledger.ended("http/1.1", "protocol_error")
}

/** The option sets 100,000 bytes. */
const tooLarge = async (place: Place, ledger: Ledger): Promise<void> => {
  const wire = await open(place, ledger, "http/1.1")
  await ask(wire, "POST /echo HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 100001\r\n\r\n", 413)
  await wire.closed()
  ledger.add(seriesOf("pagi_server_limits_hit_total", { limit: "maxBodySize" }))
  // Its head is refused, and so is none.
  ledger.request({ method: "_OTHER", version: "", status: 413 })
  ledger.ended("http/1.1", "limit")
}

const broken = async (place: Place, ledger: Ledger): Promise<void> => {
  const wire = await open(place, ledger, "http/1.1")
  await ask(wire, "GET /broken HTTP/1.1\r\nHost: shop.example\r\n\r\n", 500)
  await wire.closed()
  ledger.request({ method: "GET", version: "1.1", status: 500 })
  ledger.ended("http/1.1", "server_error")
}

const silent = async (place: Place, ledger: Ledger): Promise<void> => {
  const wire = await open(place, ledger, "http/1.1")
  await wire.leave()
  ledger.ended(place.secure ? "http/1.1" : "unknown", "client_closed")
}

const reset = async (place: Place, ledger: Ledger): Promise<void> => {
  const wire = await open(place, ledger, "h2")
  await resetStream(wire, place.secure)
  await wire.leave()
  ledger.add(seriesOf("pagi_server_stream_resets_total", { by: "client" }))
  ledger.request({ method: "GET", version: "2", status: 499 })
  ledger.ended("h2", "client_closed")
}

/** Something else than TLS, where that is spoken. */
const plain = async ({ port }: Place, ledger: Ledger): Promise<void> => {
  const socket = connect({ host: "127.0.0.1", port })
  socket.on("error", () => {})
  socket.end("GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n")
  socket.resume()
  await once(socket, "close")
  ledger.add(opened)
  ledger.add(seriesOf("pagi_server_tls_handshakes_total", { tls_protocol_version: "", outcome: "failed" }))
  ledger.add(seriesOf("pagi_server_protocol_errors_total", { reason: "tls-handshake" }))
  ledger.ended("unknown", "tls_failed")
}

/** Goes on with a session of TLS, on a connection on which nothing is asked. */
const resumed = async (place: Place, ledger: Ledger): Promise<void> => {
  const wire = await open(place, ledger, "http/1.1")
  await ask(wire, "GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n", 200)
  ledger.request({ method: "GET", version: "1.1", status: 200 })
  ledger.add("shop_answers_total")
  const { session } = wire
  await wire.leave()
  ledger.ended("http/1.1", "client_closed")
  const again = await open({ ...place, session }, ledger, "http/1.1")
  await again.leave()
  ledger.ended("http/1.1", "client_closed")
}

/** Does all of it. */
export const run = async (place: Place, ledger: Ledger): Promise<void> => {
  await withoutHost(place, ledger)
  await tooLarge(place, ledger)
  await broken(place, ledger)
  await silent(place, ledger)
  await reset(place, ledger)
  if (!place.secure) return
  await plain(place, ledger)
  await resumed(place, ledger)
}

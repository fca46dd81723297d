/** A connection of a client that counts every byte of it, below TLS those that TLS carries. */
import { connect as connectTcp, type Socket } from "node:net"
import { connect as connectTls } from "node:tls"
import { type Ledger, opened, seriesOf } from "./Ledger.ts"

/** Where clients connect to. */
export interface Place {
  readonly port: number
  readonly secure: boolean
  /** A session of TLS to go on with. */
  readonly session?: Buffer | undefined
}

const receivedBytes = seriesOf("pagi_server_network_io_bytes_total", { network_io_direction: "receive" })
const transmittedBytes = seriesOf("pagi_server_network_io_bytes_total", { network_io_direction: "transmit" })

/** Bytes of two frames by which a server goes away. */
const farewell = 34

export class Wire {
  readonly #socket: Socket
  readonly #ledger: Ledger
  readonly #isSecure: boolean
  #buffer: Buffer = Buffer.alloc(0)
  #wake: (() => void) | undefined = undefined
  #session: Buffer | undefined = undefined
  /** Bytes of which it is not known yet whether the server has read them. */
  #unsure = 0
  /** The server has said that it sends nothing more, or the connection is lost. */
  hasEnded = false
  hasClosed = false

  constructor(socket: Socket, ledger: Ledger, isSecure: boolean) {
    this.#socket = socket
    this.#ledger = ledger
    this.#isSecure = isSecure
    socket.on("data", (bytes: Buffer) => {
      ledger.add(transmittedBytes, bytes.length)
      this.#buffer = this.#buffer.length === 0 ? bytes : Buffer.concat([this.#buffer, bytes])
      this.#wake?.()
    })
    socket.on("end", () => this.#end())
    socket.on("error", () => this.#end())
    socket.on("close", () => {
      this.hasClosed = true
      this.#end()
    })
    socket.on("session", (session: Buffer) => {
      this.#session = session
    })
  }

  get session(): Buffer | undefined {
    return this.#session
  }

  #end(): void {
    this.hasEnded = true
    this.#wake?.()
  }

  send(bytes: Buffer | string): void {
    const data = typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes
    this.#unsure += data.length
    this.#socket.write(data)
  }

  /** The server has answered all that was sent, and so has read it. */
  allWasRead(): void {
    this.someWasRead(this.#unsure)
  }

  /** It has read so many bytes more. */
  someWasRead(length: number): void {
    this.#ledger.add(receivedBytes, length)
    this.#unsure -= length
  }

  /**
   * What comes next, as soon as `take` makes something of what is there: how many bytes that are, and what. Nothing when
   * the connection ends before.
   */
  async next<A>(take: (buffer: Buffer) => readonly [length: number, value: A] | undefined): Promise<A | undefined> {
    while (true) {
      const taken = take(this.#buffer)
      if (taken !== undefined) {
        this.#buffer = this.#buffer.subarray(taken[0])
        return taken[1]
      }
      if (this.hasEnded) return undefined
      await this.#change()
    }
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined
        resolve()
      }
    })
  }

  /** Ends it from here, and reads until the server has ended it too. */
  async leave(): Promise<void> {
    this.#socket.end()
    // What the server says at the same time, such as that it goes away, is lost below TLS, which is closed for both ways.
    if (this.#isSecure && !this.#ledger.isCalm) this.#ledger.maybe(transmittedBytes, farewell)
    await this.closed()
  }

  /** Reads until the server ends it. */
  async closed(): Promise<void> {
    while (!this.hasEnded) await this.#change()
    this.#socket.end()
    while (!this.hasClosed) await this.#change()
    if (this.#ledger.isCalm) return this.allWasRead()
    this.#ledger.maybe(receivedBytes, this.#unsure)
    this.#unsure = 0
  }
}

/** Connects; the server has then accepted it, and has done its handshake when it answers. */
export const open = (place: Place, ledger: Ledger, protocol: "http/1.1" | "h2"): Promise<Wire> =>
  new Promise((resolve, reject) => {
    const { port, secure, session } = place
    const address = { host: "127.0.0.1", port, allowHalfOpen: true }
    const socket = secure
      ? connectTls({ ...address, ALPNProtocols: [protocol], rejectUnauthorized: false, ...(session && { session }) })
      : connectTcp(address)
    socket.setNoDelay(true)
    socket.once("error", reject)
    const wire = new Wire(socket, ledger, secure)
    socket.once(secure ? "secureConnect" : "connect", () => {
      socket.off("error", reject)
      ledger.add(opened)
      if ("isSessionReused" in socket) {
        const outcome = socket.isSessionReused() ? "resumed" : "full"
        ledger.add(seriesOf("pagi_server_tls_handshakes_total", { tls_protocol_version: "1.3", outcome }))
      }
      resolve(wire)
    })
  })

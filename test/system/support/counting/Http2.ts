/** A client of HTTP/2 that has several streams open: frames by hand, so that all bytes are counted. */
import { countedMethod, type Kind, kinds } from "./Http1.ts"
import type { Ledger } from "./Ledger.ts"
import { open, type Place, type Wire } from "./Wire.ts"

const [data, headers, resetStream, settings, ping, goAway, windowUpdate] = [0, 1, 3, 4, 6, 7, 8]

const frame = (type: number, flags: number, stream: number, payload: Buffer): Buffer => {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

const setting = (id: number, value: number): Buffer => {
  const bytes = Buffer.alloc(6)
  bytes.writeUInt16BE(id, 0)
  bytes.writeUInt32BE(value, 2)
  return bytes
}

const number = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** Without a dynamic table of HPACK, and with room for everything. */
const beginning = Buffer.concat([
  Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  frame(settings, 0, 0, Buffer.concat([setting(1, 0), setting(2, 0), setting(4, 0x7f_ff_ff_ff)])),
  frame(windowUpdate, 0, 0, number(0x7f_ff_00_00))
])

/** A field that is not indexed; the name is one of the static table, or a text. */
const field = (name: number | string, value: string): Buffer =>
  Buffer.concat([
    typeof name === "number"
      ? Buffer.from(name < 15 ? [name] : [15, name - 15])
      : Buffer.concat([Buffer.from([0, name.length]), Buffer.from(name)]),
    Buffer.from([value.length]),
    Buffer.from(value)
  ])

const requestFrames = ({ body, isEvents, method, path }: Kind, stream: number, secure: boolean): Buffer => {
  const block = Buffer.concat([
    field(2, method),
    Buffer.from([secure ? 0x87 : 0x86]),
    field(4, path),
    field(1, "shop.example"),
    ...(isEvents === true ? [field(19, "text/event-stream")] : [])
  ])
  const head = frame(headers, body === undefined ? 5 : 4, stream, block)
  return body === undefined ? head : Buffer.concat([head, frame(data, 1, stream, Buffer.from(body))])
}

interface Frame {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly payload: Buffer
}

const takeFrame = (buffer: Buffer): readonly [number, Frame] | undefined => {
  if (buffer.length < 9) return undefined
  const end = 9 + buffer.readUIntBE(0, 3)
  if (buffer.length < end) return undefined
  const [type, flags, stream] = [buffer.readUInt8(3), buffer.readUInt8(4), buffer.readUInt32BE(5) & 0x7f_ff_ff_ff]
  return [end, { type, flags, stream, payload: buffer.subarray(9, end) }]
}

/** Statuses of the static table, which the server uses as they are; a change of the table's size may be before them. */
const statuses: Readonly<Record<number, number>> = { 0x88: 200, 0x8d: 404, 0x8e: 500 }

const statusOf = (block: Buffer): number => {
  let place = 0
  while (((block[place] ?? 0) & 0xe0) === 0x20) place++
  return statuses[block[place] ?? 0] ?? 0
}

/** Streams that are open at the same time on a connection. */
const width = 8

export interface Http2Load {
  readonly place: Place
  readonly ledger: Ledger
  readonly isWanted: () => boolean
  /** Requests of a connection after which its client leaves. */
  readonly perConnection: number
}

interface OpenStream {
  readonly kind: Kind
  readonly length: number
  status: number
}

/** A connection with its streams. */
class Session {
  readonly #wire: Wire
  readonly #load: Http2Load
  readonly #nextKind: () => Kind
  readonly #streams = new Map<number, OpenStream>()
  #nextStream = 1
  #isGoingAway = false
  #made = 0

  constructor(wire: Wire, load: Http2Load, nextKind: () => Kind) {
    this.#wire = wire
    this.#load = load
    this.#nextKind = nextKind
  }

  async run(): Promise<void> {
    const { perConnection, isWanted } = this.#load
    this.#wire.send(beginning)
    while (true) {
      const mayAsk = !this.#isGoingAway && isWanted()
      const free = mayAsk ? Math.min(width - this.#streams.size, perConnection - this.#made) : 0
      for (let count = 0; count < free; count++) this.#ask()
      if (this.#streams.size === 0) return
      const next = await this.#wire.next(takeFrame)
      if (next === undefined) return
      this.#handle(next)
    }
  }

  #ask(): void {
    const kind = this.#nextKind()
    const bytes = requestFrames(kind, this.#nextStream, this.#load.place.secure)
    this.#streams.set(this.#nextStream, { kind, length: bytes.length, status: 0 })
    this.#wire.send(bytes)
    this.#nextStream += 2
    this.#made++
  }

  #handle({ flags, payload, stream, type }: Frame): void {
    const open = this.#streams.get(stream)
    switch (type) {
      case settings:
        if ((flags & 1) === 0) this.#wire.send(frame(settings, 1, 0, Buffer.alloc(0)))
        return
      case ping:
        if ((flags & 1) === 0) this.#wire.send(frame(ping, 1, 0, payload))
        return
      case goAway: {
        this.#isGoingAway = true
        const last = payload.readUInt32BE(0)
        for (const id of this.#streams.keys()) if (id > last) this.#streams.delete(id)
        return
      }
      case resetStream:
        // Refused, when the server goes away: the request was not begun.
        this.#streams.delete(stream)
        return
      case headers:
        if (open !== undefined && open.status === 0) open.status = statusOf(payload)
    }
    if (open !== undefined && (type === headers || type === data) && (flags & 1) === 1) this.#answered(stream, open)
  }

  #answered(stream: number, { kind, length, status }: OpenStream): void {
    const { ledger } = this.#load
    if (status !== kind.status) throw new Error(`${kind.method} ${kind.path}: ${status}`)
    this.#streams.delete(stream)
    this.#wire.someWasRead(length)
    const asked = kind.isEvents === true ? "sse" : "http"
    ledger.request({ method: countedMethod(kind.method), version: "2", status, kind: asked })
    ledger.add("shop_answers_total")
  }
}

/** Makes requests, over one connection after the other. */
export const run = async (load: Http2Load): Promise<void> => {
  let next = 0
  const nextKind = (): Kind => kinds[next++ % kinds.length] ?? { method: "GET", path: "/", status: 200 }
  while (load.isWanted()) {
    const wire = await open(load.place, load.ledger, "h2")
    await new Session(wire, load, nextKind).run()
    if (!wire.hasEnded) await wire.leave()
    else await wire.closed()
    load.ledger.ended("h2", "client_closed")
  }
}

/** Asks for what is never answered, and takes it back when the server has read that. */
export const reset = async (wire: Wire, secure: boolean): Promise<void> => {
  const kind = { method: "GET", path: "/stuck", status: 0 }
  wire.send(Buffer.concat([beginning, requestFrames(kind, 1, secure), frame(ping, 0, 0, Buffer.alloc(8))]))
  const isPong = (next: Frame | undefined) => next === undefined || (next.type === ping && (next.flags & 1) === 1)
  while (!isPong(await wire.next(takeFrame)));
  wire.send(frame(resetStream, 0, 1, number(8)))
}

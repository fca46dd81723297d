import type { ByteSink } from "@pagi/core/bytes/ByteSink"
import { type ByteString, fromBytes, toBytes } from "@pagi/core/bytes/ByteString"
import { Connection } from "../../src/protocol/Connection.ts"
import type { Event } from "../../src/protocol/Event.ts"
import type { Role } from "../../src/protocol/FrameHeader.ts"
import type { Limits } from "../../src/protocol/Limits.ts"
import { Rules } from "../../src/protocol/Rules.ts"

export const limits: Limits = { maxFrameSize: 65_536, maxMessageSize: 1_048_576, maxFragments: 100 }
export const noLimits: Limits = { maxFrameSize: 0, maxMessageSize: 0, maxFragments: 0 }

/** A sink that keeps everything as one byte string. */
export class TextSink implements ByteSink {
  text: ByteString = ""
  writes = 0

  write(data: ByteString | Uint8Array): void {
    this.writes++
    this.text += typeof data === "string" ? data : fromBytes(data, 0, data.length)
  }
}

/** An event in a form that is easy to compare: bytes are byte strings. */
export type PlainEvent = Readonly<Record<string, unknown>> & { readonly type: Event["type"] }

const plain = (event: Event): PlainEvent =>
  "bytes" in event ? { ...event, bytes: fromBytes(event.bytes, 0, event.bytes.length) } : { ...event }

/** Every event up to the first that waits for something. `Closed` is told once. */
export const drain = (connection: Connection, into: Array<PlainEvent> = []): Array<PlainEvent> => {
  for (;;) {
    const event = connection.next()
    if (event.type === "need-data") return into
    if (event.type === "closed") {
      if (into.at(-1)?.type !== "closed") into.push(plain(event))
      return into
    }
    into.push(plain(event))
  }
}

/** How a machine under test is made. */
export interface MachineOptions {
  readonly role?: Role
  readonly limits?: Partial<Limits>
  readonly compression?: boolean
}

/** A client leaves payloads as they are. */
export const machine = ({ role, limits: changed, compression = false }: MachineOptions = {}): Connection => {
  const all = { ...limits, ...changed }
  return new Connection(
    role === "client" ? Rules.forClient(all, compression, () => 0) : Rules.forServer(all, compression)
  )
}

/** The events of pieces that arrive one after another. */
export const readPieces = (pieces: ReadonlyArray<ByteString>, options: MachineOptions = {}): Array<PlainEvent> => {
  const connection = machine(options)
  const events: Array<PlainEvent> = []
  for (const piece of pieces) {
    connection.receive(toBytes(piece))
    drain(connection, events)
  }
  return events
}

/** The same in memory that is used again for each piece; when `isDrained` says so, not all events are taken at once. */
export const readLent = (
  pieces: ReadonlyArray<ByteString>,
  options: MachineOptions = {},
  isDrained: (index: number) => boolean = () => true
): Array<PlainEvent> => {
  const connection = machine(options)
  const memory = new Uint8Array(Math.max(0, ...pieces.map((piece) => piece.length)))
  const events: Array<PlainEvent> = []
  const held: Array<Event> = []
  for (const [index, piece] of pieces.entries()) {
    memory.set(toBytes(piece))
    connection.receive(memory.subarray(0, piece.length), true)
    if (isDrained(index)) {
      for (let event = connection.next(); event.type !== "need-data" && event.type !== "closed";) {
        held.push(event)
        event = connection.next()
      }
    }
    connection.keep()
    memory.fill(0xa5)
  }
  for (const event of held) events.push(plain(event))
  return drain(connection, events)
}

/** The events of bytes that arrive at once. */
export const read = (bytes: ByteString, options: MachineOptions = {}): Array<PlainEvent> => readPieces([bytes], options)

/** The code and reason of the error to which bytes lead, or the types of their events when there is none. */
export const refusal = (bytes: ByteString, options: MachineOptions = {}): string => {
  const events = read(bytes, options)
  const error = events.find((event) => event.type === "error")
  if (error === undefined) return events.map((event) => event.type).join(" ")
  return `${String(error["code"])} ${String(error["reason"])}`
}

/** What a send method writes. */
export const written = (
  send: (connection: Connection, sink: TextSink) => unknown,
  options?: MachineOptions
): ByteString => {
  const sink = new TextSink()
  send(machine(options), sink)
  return sink.text
}

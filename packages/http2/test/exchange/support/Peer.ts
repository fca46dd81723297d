import { type ByteString, fromBytes, toBytes } from "@pagi/core/bytes/ByteString"
import type { MemoryTransport } from "@pagi/core/testing/MemoryTransport"
import { END_HEADERS, END_STREAM } from "../../../src/protocol/frame/Flag.ts"
import { writeFrameHeader } from "../../../src/protocol/frame/FrameHeader.ts"
import * as FrameType from "../../../src/protocol/frame/FrameType.ts"
import { beginHeaders, finishHeaders } from "../../../src/protocol/frame/Headers.ts"
import { writePing } from "../../../src/protocol/frame/Ping.ts"
import { writeRstStream } from "../../../src/protocol/frame/RstStream.ts"
import { writeSettings, writeSettingsAck } from "../../../src/protocol/frame/Settings.ts"
import { writeWindowUpdate } from "../../../src/protocol/frame/WindowUpdate.ts"
import { Encoder } from "../../../src/protocol/hpack/Encoder.ts"
import { OutputBuffer, OutputPool } from "../../../src/protocol/wire/OutputBuffer.ts"
import { preface } from "../../../src/protocol/Preface.ts"
import * as SettingId from "../../../src/protocol/wire/PeerSettings.ts"
import { BadFrame, type Fields, type Frame, FrameReader } from "./Frames.ts"

export interface RequestOptions {
  readonly method?: string
  readonly path?: string
  readonly authority?: string
  /** Behind the pseudo-header fields. */
  readonly fields?: Fields
  /** Whether content follows. */
  readonly more?: boolean
}

/** What a client knows of the response on a stream. */
export interface ClientResponse {
  status: number | undefined
  headers: Fields
  body: ByteString
  trailers: Fields | undefined
  readonly informational: Array<number>
  isComplete: boolean
  /** The code of the RST_STREAM that ended the stream. */
  reset: string | undefined
}

const noResponse = (): ClientResponse => ({
  status: undefined,
  headers: [],
  body: "",
  trailers: undefined,
  informational: [],
  isComplete: false,
  reset: undefined
})

const asText = (data: ByteString | Uint8Array): ByteString =>
  typeof data === "string" ? data : fromBytes(data, 0, data.length)

/**
 * A client built on the codecs. What it sends goes out at once, or at the end of `together`; what it has got it looks at
 * when it is asked, and then checks that the server keeps the rules of windows and streams.
 */
export class Peer {
  readonly transport: MemoryTransport
  /** Everything that was received, in order. */
  readonly frames: Array<Frame> = []
  /** Bytes that the server may still send on the connection. */
  window = 65_535
  private readonly windows = new Map<number, number>()
  private readonly responses = new Map<number, ClientResponse>()
  private initialWindow = 65_535
  private readonly encoder = new Encoder()
  private readonly out = new OutputBuffer(new OutputPool())
  private readonly reader = new FrameReader()
  private isGathering = false
  private nextId = 1
  private toldFrames = 0

  constructor(transport: MemoryTransport) {
    this.transport = transport
  }

  // what it sends ------------------------------------------------------------------------------------------------------

  /** Sends everything that is written meanwhile in one piece. */
  together<A>(write: () => A): A {
    this.isGathering = true
    const result = write()
    this.isGathering = false
    this.flush()
    return result
  }

  /** What would be sent, as bytes. */
  bytesOf(write: () => void): ByteString {
    this.isGathering = true
    write()
    this.isGathering = false
    return asText(this.out.take())
  }

  private flush(): void {
    if (!this.isGathering && this.out.length > 0) this.transport.push(this.out.take())
  }

  /** The preface and settings, and an acknowledgement for those of the server. */
  begin(settings: ReadonlyArray<readonly [id: number, value: number]> = []): this {
    this.transport.push(preface)
    this.settings(settings)
    return this.acknowledge()
  }

  acknowledge(): this {
    writeSettingsAck(this.out)
    this.flush()
    return this
  }

  settings(settings: ReadonlyArray<readonly [id: number, value: number]>): void {
    for (const [id, value] of settings) if (id === SettingId.INITIAL_WINDOW_SIZE) this.resize(value)
    writeSettings(this.out, settings)
    this.flush()
  }

  private resize(size: number): void {
    for (const [id, window] of this.windows) this.windows.set(id, window + size - this.initialWindow)
    this.initialWindow = size
  }

  /** Sends a request; answers its stream. */
  request({ authority = "a", fields = [], method = "GET", more = false, path = "/" }: RequestOptions = {}): number {
    const pseudo: Fields = [
      [":method", method],
      [":scheme", "http"],
      [":path", path],
      [":authority", authority]
    ]
    const id = this.nextId
    this.nextId += 2
    this.windows.set(id, this.initialWindow)
    this.headers(id, [...pseudo, ...fields], !more)
    return id
  }

  /** Sends a header section. */
  headers(id: number, fields: Fields, ends: boolean): void {
    const offset = beginHeaders(this.out)
    this.encode(fields)
    finishHeaders(this.out, offset, id, ends, 16_384)
    this.flush()
  }

  /** A header section without frames; nothing is sent. */
  block(fields: Fields): ByteString {
    return this.bytesOf(() => this.encode(fields))
  }

  private encode(fields: Fields): void {
    this.encoder.begin(this.out)
    for (const [name, value] of fields) this.encoder.field(this.out, name, value)
  }

  /** A stream for a request whose frames the test writes itself. */
  openId(): number {
    const id = this.nextId
    this.nextId += 2
    this.windows.set(id, this.initialWindow)
    return id
  }

  data(id: number, body: ByteString, ends = false): void {
    this.frame(FrameType.DATA, ends ? END_STREAM : 0, id, body)
  }

  /** Ends a request's content. */
  end(id: number, body: ByteString = ""): void {
    this.data(id, body, true)
  }

  reset(id: number, code: number): void {
    writeRstStream(this.out, id, code)
    this.flush()
  }

  ping(payload: ByteString = "12345678", isAck = false): void {
    writePing(this.out, isAck, toBytes(payload), 0)
    this.flush()
  }

  /** Opens a window; 0 is that of the connection. */
  open(id: number, increment: number): void {
    if (id === 0) this.window += increment
    else this.windows.set(id, this.windowOf(id) + increment)
    writeWindowUpdate(this.out, id, increment)
    this.flush()
  }

  /** Any frame. */
  frame(type: number, flags: number, id: number, payload: ByteString = ""): void {
    writeFrameHeader(this.out, payload.length, type, flags, id)
    this.out.reserve(payload.length)
    this.out.text(payload)
    this.flush()
  }

  /** HEADERS and CONTINUATIONs of a section, each with one of the fragments. */
  fragments(id: number, fragments: ReadonlyArray<ByteString>, isComplete = true): void {
    fragments.forEach((fragment, index) => {
      const end = isComplete && index === fragments.length - 1 ? END_HEADERS : 0
      if (index === 0) this.frame(FrameType.HEADERS, END_STREAM | end, id, fragment)
      else this.frame(FrameType.CONTINUATION, end, id, fragment)
    })
  }

  // what it has got ----------------------------------------------------------------------------------------------------

  /** Reads what has come, which makes room for more; answers it. */
  read(): Array<Frame> {
    return this.take(this.transport.read())
  }

  /** The same with so many bytes of it. */
  readSome(length: number): Array<Frame> {
    return this.take(this.transport.readSome(length))
  }

  private take(text: ByteString): Array<Frame> {
    const frames = this.reader.read(text)
    for (const frame of frames) this.note(frame)
    this.frames.push(...frames)
    return frames
  }

  /** The frames that have come since the last call, whoever has read them. */
  news(): Array<Frame> {
    this.read()
    const frames = this.frames.slice(this.toldFrames)
    this.toldFrames = this.frames.length
    return frames
  }

  /** Reads on until nothing comes any more. */
  readAll(): Array<Frame> {
    const frames: Array<Frame> = []
    while (this.transport.text !== "") frames.push(...this.read())
    return frames
  }

  windowOf(id: number): number {
    return this.windows.get(id) ?? this.initialWindow
  }

  /** What is known of a response by now. */
  response(id: number): ClientResponse {
    this.read()
    return this.find(id)
  }

  /** All frames of a type that have come. */
  all<Type extends Frame["type"]>(type: Type): Array<Extract<Frame, { readonly type: Type }>> {
    this.read()
    return this.frames.filter((frame): frame is Extract<Frame, { readonly type: Type }> => frame.type === type)
  }

  /** The codes of the GOAWAYs that have come. */
  get goAways(): Array<string> {
    return this.all("GOAWAY").map(({ code }) => code)
  }

  private find(id: number): ClientResponse {
    const known = this.responses.get(id) ?? noResponse()
    this.responses.set(id, known)
    return known
  }

  private note(frame: Frame): void {
    if (frame.type === "SETTINGS" || frame.type === "PING" || frame.type === "GOAWAY") return
    const response = this.find(frame.id)
    if (frame.id !== 0 && response.reset !== undefined) throw new BadFrame(`${frame.type} behind RST_STREAM`)
    if (frame.type === "RST_STREAM") response.reset = frame.code
    if (frame.type !== "DATA" && frame.type !== "HEADERS") return
    if (response.isComplete) throw new BadFrame(`${frame.type} behind END_STREAM`)
    if (frame.type === "DATA") this.noteData(response, frame.id, frame.body)
    else this.noteFields(response, frame.fields)
    if (frame.ends) response.isComplete = true
  }

  private noteData(response: ClientResponse, id: number, body: ByteString): void {
    if (response.status === undefined || response.trailers !== undefined) throw new BadFrame("DATA in a wrong place")
    response.body += body
    this.window -= body.length
    const window = this.windowOf(id) - body.length
    this.windows.set(id, window)
    if (body.length > 0 && (this.window < 0 || window < 0)) throw new BadFrame("a window was exceeded")
  }

  private noteFields(response: ClientResponse, fields: Fields): void {
    const [status, ...headers] = fields
    if (response.status !== undefined) response.trailers = fields
    else if (status?.[0] !== ":status") throw new BadFrame("no :status")
    else if (Number(status[1]) < 200) response.informational.push(Number(status[1]))
    else {
      response.status = Number(status[1])
      response.headers = headers
    }
  }
}

export const fieldOf = (fields: Fields, name: string): Array<string> =>
  fields.filter((field) => field[0] === name).map(([, value]) => value)

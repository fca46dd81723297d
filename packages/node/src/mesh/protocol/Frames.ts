/**
 * The frames between the workers of a server: four bytes of length, big-endian, of what follows; one byte of kind; and
 * what the kind has. Names have a byte of length before them, unless they end the frame.
 *
 * The form of greetings is the same in every version, so that any two can tell each other that they do not match.
 */
import { version } from "./Limits.ts"

export const kinds = {
  /** Who connects: a greeting, with the number of its attempt. */
  hello: 1,
  /** Who was connected to: a greeting, with how many attempts it has made itself. */
  welcome: 2,
  /** There will be no connection: a greeting, with a reason. */
  refuse: 3,
  /** The sender wants messages of a topic, or none any more. */
  subscribe: 4,
  unsubscribe: 5,
  /** The sender wants to know who is in a topic, beginning with who is now, or not any more. */
  watch: 6,
  unwatch: 7,
  /** An answer to `watch`: who is in the topic is told anew from here on. */
  watched: 18,
  /** A number, which is to be answered when all before it is done. */
  sync: 8,
  /** The same at the end of the first wishes, of a process that may have missed messages: it is to be told where. */
  syncLate: 17,
  synced: 9,
  /** Somebody has come into a topic that is watched, or left it. */
  joined: 10,
  left: 11,
  /** So many bytes of messages were delivered. */
  credit: 12,
  message: 13,
  /** Messages of a topic may be missing from here on, or of all when its name is empty. */
  gap: 14,
  /** Messages of any topic may be missing up to here, since the two were not connected. */
  missed: 15,
  /** Nothing more comes, and nothing is missing. */
  goodbye: 16
} as const

/** Frames that are held back while a subscriber makes others wait, and for which there is credit. */
export const isMessageKind = (kind: number): boolean => kind >= kinds.message && kind <= kinds.goodbye

/** Bytes before a frame's body: length and kind. */
export const headLength = 5

const magic = Buffer.from("pagi-mesh", "latin1")

/** What both sides of a connection say first. */
export interface Greeting {
  readonly version: number
  readonly number: number
  /** Whose it is. */
  readonly id: string
}

/** Why there is no connection. */
export const refusals = {
  /** The two speak different versions. */
  version: 1,
  /** There is another connection between them, or will be. */
  duplicate: 2,
  /** The process ends. */
  leaving: 3
} as const

const begin = (kind: number, bodyLength: number): Buffer => {
  const frame = Buffer.allocUnsafe(headLength + bodyLength)
  writeHead(frame, 0, kind, bodyLength)
  return frame
}

const writeHead = (buffer: Buffer, at: number, kind: number, bodyLength: number): number => {
  buffer.writeUInt32BE(bodyLength + 1, at)
  buffer[at + 4] = kind
  return at + headLength
}

export const greeting = (kind: number, number: number, id: string, ours: number = version): Buffer => {
  const frame = begin(kind, magic.length + 6 + id.length)
  magic.copy(frame, headLength)
  frame.writeUInt16BE(ours, headLength + magic.length)
  frame.writeUInt32BE(number, headLength + magic.length + 2)
  frame.write(id, headLength + magic.length + 6, "latin1")
  return frame
}

/** A greeting; nothing when it is none. */
export const readGreeting = (buffer: Buffer, start: number, end: number): Greeting | undefined => {
  const after = start + magic.length
  if (end <= after + 6 || magic.compare(buffer, start, after) !== 0) return undefined
  const id = buffer.toString("latin1", after + 6, end)
  return /^[0-9a-f]{1,32}$/.test(id)
    ? { version: buffer.readUInt16BE(after), number: buffer.readUInt32BE(after + 2), id }
    : undefined
}

/** A frame that is nothing but a name. */
export const name = (kind: number, text: string): Buffer => {
  const frame = begin(kind, Buffer.byteLength(text))
  frame.write(text, headLength)
  return frame
}

export const count = (kind: number, value: number): Buffer => {
  const frame = begin(kind, 4)
  frame.writeUInt32BE(value, headLength)
  return frame
}

export const empty = (kind: number): Buffer => begin(kind, 0)

/** A member's frame: the topic, its id, and what is told of it. */
export const member = (kind: number, topic: string, id: string, text: string): Buffer => {
  const [topicLength, idLength] = [Buffer.byteLength(topic), Buffer.byteLength(id)]
  const frame = begin(kind, 2 + topicLength + idLength + Buffer.byteLength(text))
  let at = writeName(frame, headLength, topic, topicLength)
  at = writeName(frame, at, id, idLength)
  frame.write(text, at)
  return frame
}

const writeName = (buffer: Buffer, at: number, text: string, length: number): number => {
  buffer[at] = length
  buffer.write(text, at + 1)
  return at + 1 + length
}

/** The sizes of a message, which are found out once for all peers. */
export interface MessageSize {
  readonly topic: number
  readonly text: number
  readonly frame: number
}

export const messageSize = (topic: string, text: string): MessageSize => {
  const [topicLength, textLength] = [Buffer.byteLength(topic), Buffer.byteLength(text)]
  return { topic: topicLength, text: textLength, frame: headLength + 1 + topicLength + textLength }
}

export const writeMessage = (buffer: Buffer, at: number, topic: string, text: string, size: MessageSize): void => {
  const body = writeHead(buffer, at, kinds.message, size.frame - headLength)
  const after = writeName(buffer, body, topic, size.topic)
  if (size.text === text.length) buffer.write(text, after, "latin1")
  else buffer.write(text, after)
}

/** Two names, or a name and a text: where the first ends; nothing when there is none. */
export const endOfName = (buffer: Buffer, start: number, end: number): number | undefined => {
  if (start >= end) return undefined
  const after = start + 1 + (buffer[start] ?? 0)
  return after <= end ? after : undefined
}

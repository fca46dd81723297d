/** A process among those that know each other: what it wants of them, and what they tell. */
import { Connection, type ConnectionOwner, type ConnectionPort } from "./Connection.ts"
import * as Frames from "./Frames.ts"
import * as Groups from "./Groups.ts"
import { version } from "./Limits.ts"
import { keyOf, type Local, type Wish } from "./Local.ts"

/** What a process hears of others. Messages and gaps come in the order in which each of the others has sent them. */
export interface MeshListener {
  /** Answers whether the messages of this peer are to wait until its connection is told to `resume`. */
  readonly onMessage: (connection: Connection, topic: string, text: string) => boolean
  /** Messages may be missing, of all topics when none is named: since the peer could not read, or since it was away. */
  readonly onGap: (topic: string | undefined, reason: "overloaded" | "disconnected") => void
  readonly onJoined: (peer: string, topic: string, id: string, text: string) => void
  readonly onLeft: (peer: string, topic: string, id: string) => void
  /** It has ended or is not connected any more; so are all of its members. */
  readonly onGone: (peer: string) => void
  /** Whether it is there is to be found out: it has not said goodbye, or was not reached. */
  readonly onLost: (peer: string) => void
  /** It need not be waited for: it is connected and has told what it wants, or will never be connected. */
  readonly onSettled: (peer: string) => void
  /** A process of another version was refused. */
  readonly onOtherVersion: (version: number) => void
}

/** What is known of another process. */
interface Peer {
  readonly id: string
  /** How often this one has tried to connect to it, and which of its own attempts was the last that is known. */
  attempts: number
  seen: number
  dialing: Connection | undefined
  open: Connection | undefined
  /** One that is closed, of which not everything has been handled. */
  draining: Connection | undefined
  /** The next connection is not the beginning. */
  isLate: boolean
}

/**
 * All connections of a process, at most one of which is open with each of the others. Two processes may connect to each
 * other at the same time: the connection stays that the one with the lower id has made. Attempts are numbered, so that
 * one is recognised that was given up while its greeting was on its way.
 */
export class Mesh {
  readonly #id: string
  readonly #listener: MeshListener
  readonly #wants = new Set<string>()
  readonly #members = new Map<string, Map<string, string>>()
  readonly #local: Local
  readonly #owner: ConnectionOwner
  readonly #peers = new Map<string, Peer>()
  /** Who wants messages of a topic, or to know its members. */
  readonly #wishes: Groups.Groups<Connection> = new Map()
  readonly #version: number
  #isLeaving = false

  constructor(id: string, listener: MeshListener, ours: number = version) {
    this.#id = id
    this.#version = ours
    this.#listener = listener
    this.#local = { id, wants: this.#wants, members: this.#members }
    this.#owner = {
      onGreeting: (connection, kind, greeting) => this.#greeted(connection, kind, greeting),
      onReady: (connection, isLate) => this.#ready(connection, isLate),
      onWish: (connection, wish, topic, isWanted) => this.#wished(connection, wish, topic, isWanted),
      onJoined: ({ peer = "" }, topic, id, text) => listener.onJoined(peer, topic, id, text),
      onLeft: ({ peer = "" }, topic, id) => listener.onLeft(peer, topic, id),
      onMessage: (connection, topic, text) => listener.onMessage(connection, topic, text),
      onGap: (_connection, topic, reason) => listener.onGap(topic, reason),
      onClosed: (connection) => this.#closed(connection),
      onDrained: (connection, isComplete) => this.#drained(connection, isComplete),
      onUnopened: (connection) => this.#unopened(connection)
    }
  }

  /** Those with whom this process is connected, or is about to be. */
  get connections(): ReadonlyArray<Connection> {
    return [...this.#peers.values()].flatMap(({ dialing, open }) => [dialing, open].filter((one) => one !== undefined))
  }

  /** Whether this process may connect to that one: it has no connection with it, and is not the same. */
  mayDial(id: string): boolean {
    if (id === this.#id || this.#isLeaving) return false
    const peer = this.#peers.get(id)
    return peer?.open === undefined && peer?.dialing === undefined
  }

  /** Whether it is connected and has told what it wants. */
  isReady(id: string): boolean {
    return this.#peers.get(id)?.open?.isReady === true
  }

  /** A connection that this process makes, where it may. */
  dial(id: string, port: ConnectionPort): Connection {
    const peer = this.#peer(id)
    peer.attempts += 1
    const connection = new Connection(this.#local, this.#owner, port, id)
    peer.dialing = connection
    connection.outbox.greet(this.#greeting(Frames.kinds.hello, peer.attempts))
    return connection
  }

  /** A connection that another process has made. */
  accept(port: ConnectionPort): Connection {
    return new Connection(this.#local, this.#owner, port)
  }

  /** There is no such process any more, as an attempt to connect has shown. */
  gone(id: string): void {
    const peer = this.#peers.get(id)
    if (peer === undefined || peer.open !== undefined) return
    const { dialing } = peer
    peer.dialing = undefined
    dialing?.fail()
    this.#forget(id)
  }

  /** It is not waited for any longer: what is published until it is connected will be missing. */
  proceedWithout(id: string): void {
    const peer = this.#peers.get(id)
    if (peer === undefined || peer.open?.isReady === true) return
    peer.isLate = true
    if (peer.open !== undefined) peer.open.isLate = true
  }

  want(wish: Wish, topic: string): void {
    const key = keyOf(wish, topic)
    this.#wants.add(key)
    this.#tellWish(key)
  }

  unwant(wish: Wish, topic: string): void {
    const key = keyOf(wish, topic)
    if (this.#wants.delete(key)) this.#tellWish(key)
  }

  /** Runs `done` when every other process knows the wish, and has told what it asks for; that may be at once. */
  whenConfirmed(wish: Wish, topic: string, done: () => void): void {
    const key = keyOf(wish, topic)
    let left = 1
    const one = (): void => {
      left -= 1
      if (left === 0) done()
    }
    for (const { open } of this.#peers.values()) if (open?.outbox.whenConfirmed(key, one) === true) left += 1
    one()
  }

  join(topic: string, id: string, text: string): void {
    const members = this.#members.get(topic)
    if (members === undefined) this.#members.set(topic, new Map([[id, text]]))
    else members.set(id, text)
    for (const { outbox } of this.#wishes.get(keyOf("members", topic)) ?? []) outbox.joined(topic, id)
  }

  leave(topic: string, id: string): void {
    const members = this.#members.get(topic)
    if (members?.delete(id) !== true) return
    if (members.size === 0) this.#members.delete(topic)
    for (const { outbox } of this.#wishes.get(keyOf("members", topic)) ?? []) outbox.left(topic, id)
  }

  /** Sends a message to all who want it. Answers those who are behind, for whom publishers should wait. */
  publish(topic: string, text: string): ReadonlyArray<Connection> | undefined {
    const wanting = this.#wishes.get(keyOf("messages", topic))
    if (wanting === undefined) return undefined
    const size = Frames.messageSize(topic, text)
    let behind: Array<Connection> | undefined
    let encoded: Buffer | undefined
    for (const connection of wanting) {
      const { outbox } = connection
      const buffer = outbox.reserve(topic, size)
      if (buffer !== undefined) {
        const { offset } = outbox
        if (encoded === undefined) Frames.writeMessage(buffer, offset, topic, text, size)
        else encoded.copy(buffer, offset)
        encoded ??= buffer.subarray(offset, offset + size.frame)
      }
      if (outbox.isBehind) (behind ??= []).push(connection)
    }
    return behind
  }

  /** Connects no more, and says goodbye to all; their connections end when that is sent. */
  depart(): void {
    this.#isLeaving = true
    for (const connection of this.connections) {
      if (connection.isOpen) {
        connection.outbox.sayGoodbye()
        continue
      }
      // The other end may have it for open. It misses nothing of a process that has not begun.
      if (this.#peerOf(connection)?.isLate !== true) connection.outbox.greet(Frames.empty(Frames.kinds.goodbye))
      connection.fail()
    }
  }

  #greeting(kind: number, number: number): Buffer {
    return Frames.greeting(kind, number, this.#id, this.#version)
  }

  #peer(id: string): Peer {
    let peer = this.#peers.get(id)
    if (peer === undefined) {
      peer = { id, attempts: 0, seen: 0, dialing: undefined, open: undefined, draining: undefined, isLate: false }
      this.#peers.set(id, peer)
    }
    return peer
  }

  /** Whose a connection is, as far as it has said so, and is known. */
  #peerOf({ peer: id }: Connection): Peer | undefined {
    return id === undefined ? undefined : this.#peers.get(id)
  }

  #forget(id: string): void {
    this.#peers.delete(id)
    this.#listener.onSettled(id)
  }

  #tellWish(key: string): void {
    for (const { open } of this.#peers.values()) open?.outbox.wish(key)
  }

  #greeted(connection: Connection, kind: number, greeting: Frames.Greeting): void {
    if (kind === Frames.kinds.hello) return this.#hello(connection, greeting)
    const { id, number } = greeting
    const peer = this.#peers.get(id)
    if (peer?.dialing !== connection) return connection.fail()
    peer.dialing = undefined
    if (kind === Frames.kinds.welcome) {
      peer.seen = Math.max(peer.seen, number)
      return this.#open(connection, peer)
    }
    connection.fail()
    if (number === Frames.refusals.version) this.#listener.onOtherVersion(greeting.version)
    // The other connection of a duplicate comes, or has come; whoever leaves will close its socket.
    if (number !== Frames.refusals.duplicate) this.#forget(id)
  }

  #hello(connection: Connection, { id, number, version: theirs }: Frames.Greeting): void {
    const reason = this.#refusal(id, number, theirs)
    if (reason === undefined) {
      const peer = this.#peer(id)
      connection.peer = id
      peer.seen = number
      // Of two attempts at the same time, this one stays. The peer has lost an open one, of which nobody has said so here.
      const { dialing, open } = peer
      peer.dialing = undefined
      peer.open = connection
      dialing?.fail()
      open?.fail()
      connection.outbox.greet(this.#greeting(Frames.kinds.welcome, peer.attempts))
      return this.#open(connection, peer)
    }
    connection.outbox.greet(this.#greeting(Frames.kinds.refuse, reason))
    connection.fail()
    if (reason === Frames.refusals.version) this.#listener.onOtherVersion(theirs)
  }

  #refusal(id: string, number: number, theirs: number): number | undefined {
    if (theirs !== this.#version) return Frames.refusals.version
    if (this.#isLeaving) return Frames.refusals.leaving
    const peer = this.#peers.get(id)
    const isStale = peer !== undefined && number <= peer.seen
    const isBeaten = peer?.dialing !== undefined && this.#id < id
    return id === this.#id || isStale || isBeaten ? Frames.refusals.duplicate : undefined
  }

  #open(connection: Connection, peer: Peer): void {
    peer.open = connection
    // What was held back of the one before would come after what comes now.
    peer.draining?.supersede()
    connection.isLate = peer.isLate
    peer.isLate = true
    connection.open()
  }

  #ready(connection: Connection, isPeerLate: boolean): void {
    const { early, isLate, outbox, peer } = connection
    // Before any message, so that it is told where they are missing: wishes take effect only now.
    if (isLate || isPeerLate) outbox.tellMissed()
    for (const { topic, wish } of early.splice(0)) this.#wished(connection, wish, topic, true)
    if (peer !== undefined) this.#listener.onSettled(peer)
  }

  #wished(connection: Connection, wish: Wish, topic: string, isWanted: boolean): void {
    if (!connection.isReady) {
      if (isWanted) connection.early.push({ wish, topic })
      return
    }
    const key = keyOf(wish, topic)
    if (!isWanted) return void Groups.remove(this.#wishes, key, connection)
    Groups.add(this.#wishes, key, connection)
    if (wish === "messages") return
    connection.outbox.watched(topic)
    for (const id of this.#members.get(topic)?.keys() ?? []) connection.outbox.joined(topic, id)
  }

  #closed(connection: Connection): void {
    for (const key of this.#wishes.keys()) Groups.remove(this.#wishes, key, connection)
    const peer = this.#peerOf(connection)
    if (peer === undefined) return
    if (peer.open === connection) peer.open = undefined
    peer.draining = connection
    this.#listener.onGone(peer.id)
  }

  #drained(connection: Connection, isComplete: boolean): void {
    // Who leaves takes the others with it.
    if (!isComplete && !this.#isLeaving) this.#listener.onGap(undefined, "disconnected")
    const peer = this.#peerOf(connection)
    if (peer?.draining === connection) peer.draining = undefined
    if (peer === undefined || peer.open !== undefined || peer.dialing !== undefined) return
    if (isComplete) this.#forget(peer.id)
    else this.#listener.onLost(peer.id)
  }

  #unopened(connection: Connection): void {
    const peer = this.#peerOf(connection)
    if (peer?.dialing !== connection) return
    peer.dialing = undefined
    this.#listener.onLost(peer.id)
  }
}

import { fromBytes } from "@pagi/core/bytes/ByteString"
import { directOf, type DirectSend } from "@pagi/core/contract/DirectSend"
import type { WebSocketReceiveEvent, WebSocketSendEvent } from "@pagi/core/Event"
import type { HeaderBlock } from "@pagi/core/HeaderBlock"
import type { Receive, Send, WebSocketHandler } from "@pagi/core/PagiApp"
import type { WebSocketScope } from "@pagi/core/Scope"
import type { InvalidOption, Input } from "@pagi/core/ServerOptions"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Fiber } from "effect/Fiber"
import type * as EffectScope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { type Connected, type ConnectOptions, finish, type Harness, makeHarness } from "./SessionHarness.ts"

/** What an application receives, in one line. */
export const describe = (event: WebSocketReceiveEvent): string => {
  switch (event.type) {
    case "websocket.connect":
      return "connect"
    case "websocket.receive":
      return event.text === undefined ? `bytes ${fromBytes(event.bytes, 0, event.bytes.length)}` : `text ${event.text}`
    case "websocket.disconnect":
      return `disconnect ${event.code} ${event.reason}`.trimEnd()
  }
}

/** A run of an application that does what the test says. */
export class Puppet {
  readonly scope: WebSocketScope
  /** What `listen` has received. */
  readonly notes: Array<string> = []
  /** How the run ended, once it has. */
  exit: Exit.Exit<void, unknown> | undefined = undefined
  readonly #receive: Receive<WebSocketReceiveEvent>
  readonly #send: Send<WebSocketSendEvent>
  readonly #ended = Deferred.makeUnsafe<void, unknown>()

  constructor(scope: WebSocketScope, receive: Receive<WebSocketReceiveEvent>, send: Send<WebSocketSendEvent>) {
    this.scope = scope
    this.#receive = receive
    this.#send = send
  }

  /** The application itself, as the server runs it. */
  get run(): Effect.Effect<void, unknown> {
    return Effect.onExit(Deferred.await(this.#ended), (exit) =>
      Effect.sync(() => {
        this.exit = exit
      })
    )
  }

  /** Receives the next event. */
  get receive(): Effect.Effect<string> {
    return Effect.map(this.#receive, describe)
  }

  /** Receives everything from now on, as it comes, up to the end of the session. */
  get listen(): Effect.Effect<Fiber<void>> {
    const loop = Effect.gen({ self: this }, function* () {
      for (;;) {
        const note = yield* this.receive
        this.notes.push(note)
        if (note.startsWith("disconnect")) return
      }
    })
    return Effect.forkDetach(loop, { startImmediately: true })
  }

  accept(subprotocol?: string, headers: HeaderBlock = []) {
    const event = { type: "websocket.accept", headers } as const
    return this.send(subprotocol === undefined ? event : { ...event, subprotocol })
  }

  text(text: string) {
    return this.send({ type: "websocket.send", text })
  }

  bytes(bytes: Uint8Array) {
    return this.send({ type: "websocket.send", bytes })
  }

  close(code?: number, reason?: string) {
    return this.send({
      type: "websocket.close",
      ...(code === undefined ? {} : { code }),
      ...(reason === undefined ? {} : { reason })
    })
  }

  keepalive(interval: number, timeout?: number) {
    return this.send({ type: "websocket.keepalive", interval, ...(timeout === undefined ? {} : { timeout }) })
  }

  send(event: WebSocketSendEvent) {
    return this.#send(event)
  }

  /** The way past `send`. */
  get direct(): DirectSend {
    const direct = directOf(this.#send)
    if (direct === undefined) throw new Error("the send of an exchange has no direct way")
    return direct
  }

  /** The application returns. */
  return(): void {
    Deferred.doneUnsafe(this.#ended, Exit.void)
  }

  /** The application fails. */
  fail(error: unknown): void {
    Deferred.doneUnsafe(this.#ended, Exit.fail(error))
  }
}

/** A server whose applications do what the test says. */
export interface PuppetHarness extends Harness {
  /** The runs so far. */
  readonly puppets: ReadonlyArray<Puppet>
}

export const makePuppetHarness = (
  options: Input = {}
): Effect.Effect<PuppetHarness, InvalidOption, EffectScope.Scope> =>
  Effect.gen(function* () {
    const puppets: Array<Puppet> = []
    const handler: WebSocketHandler<unknown> = (scope, receive, send) => {
      const puppet = new Puppet(scope, receive, send)
      puppets.push(puppet)
      return puppet.run
    }
    const harness = yield* makeHarness(handler, { options })
    return { ...harness, puppets }
  })

export interface Session extends Connected {
  readonly app: Puppet
}

/** A connection whose handshake the application has not answered. */
export const connect = (harness: PuppetHarness, options?: ConnectOptions): Effect.Effect<Session> =>
  Effect.gen(function* () {
    const connected = harness.connect(options)
    const app = harness.puppets.at(-1)
    if (app === undefined) return yield* Effect.die(new Error("the application was not run"))
    return { ...connected, app }
  })

/** An open session, whose application has received nothing but the connect event. */
export const openSession = (harness: PuppetHarness, options?: ConnectOptions) =>
  Effect.tap(connect(harness, options), ({ app }) => Effect.andThen(app.receive, app.accept()))

/** Lets so much time pass, and gives what the peer has got in each tenth of a second in which there was something. */
export const watch = ({ peer }: Session, milliseconds: number) =>
  Effect.gen(function* () {
    const seen: Array<string> = []
    for (let passed = 100; passed <= milliseconds; passed += 100) {
      yield* TestClock.adjust(100)
      for (const line of peer.read()) seen.push(`${passed} ${line}`.trimEnd())
    }
    return seen
  })

/** The applications return and the peers close their sides; then nothing of the sessions may be left. */
export const finishSessions = (harness: PuppetHarness, ...sessions: ReadonlyArray<Session>): Effect.Effect<void> =>
  Effect.suspend(() => {
    for (const { app } of sessions) app.return()
    return finish(harness, ...sessions)
  })

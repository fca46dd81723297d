/**
 * One connection to Redis for all that topics need: it subscribes, publishes and asks. RESP3 allows all of this on one
 * connection, and what is done there is done in order.
 */
import type { NodeRedis } from "@effect/platform-node/NodeRedis"
import * as Effect from "effect/Effect"

/** A connection that is open. It does not connect again: whoever has opened it opens another. */
export interface RedisConnection {
  /** Sends a command, behind all that were sent before. Fails when Redis refuses it, or the connection is lost before. */
  readonly send: (command: ReadonlyArray<string>) => Promise<unknown>
  /** Completes when Redis has confirmed all of the channels. */
  readonly subscribe: (channels: ReadonlyArray<string>) => Promise<void>
  readonly unsubscribe: (channels: ReadonlyArray<string>) => Promise<void>
  /** Ends the connection; `onLost` is not called. */
  readonly close: () => void
}

/** What a connection tells. */
export interface ConnectionListener {
  readonly onMessage: (channel: string, text: string) => void
  /** The connection has ended, and nothing comes by it any more; called once. */
  readonly onLost: (error: unknown) => void
}

/** Opens a connection. */
export type Connect = (listener: ConnectionListener) => Effect.Effect<RedisConnection, unknown>

/** Connections to where an application's client is connected, with its name and password. */
export const duplicate =
  (client: NodeRedis["Service"]["client"]): Connect =>
  (listener) =>
    Effect.callback((resume) => {
      const own = client.duplicate({
        RESP: 3,
        // What waits for an answer when the connection is lost has failed; `Outbox` knows what was not sent yet.
        disableOfflineQueue: true,
        // No timer for each message.
        commandOptions: { timeout: 0 },
        maintNotifications: "disabled",
        socket: { ...client.options?.socket, reconnectStrategy: false }
      })
      let isOpen = false
      // Without a listener the process would end. Before it is open, `connect` tells of the error too.
      own.on("error", (error) => {
        if (!isOpen) return
        isOpen = false
        own.destroy()
        listener.onLost(error)
      })
      const onMessage = (text: string, channel: string) => listener.onMessage(channel, text)
      const connection: RedisConnection = {
        send: (command) => own.sendCommand(command),
        subscribe: (channels) => own.subscribe([...channels], onMessage),
        unsubscribe: (channels) => own.unsubscribe([...channels], onMessage),
        close: () => {
          isOpen = false
          own.destroy()
        }
      }
      own.connect().then(
        () => {
          isOpen = true
          resume(Effect.succeed(connection))
        },
        (error: unknown) => resume(Effect.fail(error))
      )
      return Effect.sync(() => own.destroy())
    })

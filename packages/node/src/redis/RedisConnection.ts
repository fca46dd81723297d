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

/** The texts of an answer that is a list of them, or a set. */
export const stringsIn = (answer: unknown): ReadonlyArray<string> =>
  answer instanceof Set || Array.isArray(answer) ? [...answer].map(String) : []

/** Opens a connection. */
export type Connect = (listener: ConnectionListener) => Effect.Effect<RedisConnection, unknown>

/** How Redis tells one connection from all others, those before it was restarted included. */
interface ConnectionName {
  readonly id: string
  readonly address: string
}

/**
 * Connections to where an application's client is connected, with its name and password. Each ends the one before, of
 * which Redis may not know yet that it is lost: what is still on its way there would come behind what is sent now.
 */
export const duplicate = (client: NodeRedis["Service"]["client"]): Connect => {
  let former: ConnectionName | undefined = undefined
  return (listener) =>
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
      let isAbandoned = false
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
      const open = async (): Promise<void> => {
        await own.connect()
        // A client that is destroyed while it connects goes on all the same.
        if (isAbandoned) own.destroy()
        const ending = former && own.sendCommand(["CLIENT", "KILL", "ID", former.id, "ADDR", former.address])
        const naming = own.sendCommand(["CLIENT", "INFO"])
        // Not all servers do this, nor may all users.
        const [, info] = await Promise.allSettled([ending, naming])
        if (!own.isReady) throw new Error("the connection was lost at once")
        former = info.status === "fulfilled" ? nameIn(info.value) : undefined
      }
      open().then(
        () => {
          isOpen = true
          resume(Effect.succeed(connection))
        },
        (error: unknown) => resume(Effect.fail(error))
      )
      return Effect.sync(() => {
        isAbandoned = true
        own.destroy()
      })
    })
}

const nameIn = (info: unknown): ConnectionName | undefined => {
  const [, id, address] = /\bid=(\d+) addr=(\S+)/.exec(String(info)) ?? []
  return id === undefined || address === undefined ? undefined : { id, address }
}

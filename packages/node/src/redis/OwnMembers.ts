/**
 * The members of this process, and what Redis knows of them.
 *
 * | Redis knows | when                                        | what comes and goes meanwhile             |
 * | ----------- | ------------------------------------------- | ----------------------------------------- |
 * | nothing     | none has come yet; the connection is lost   | is remembered here                        |
 * | something   | what it knew before is being removed        | is remembered here                        |
 * | all         | all was sent, and Redis takes it in order   | is sent                                   |
 *
 * With each new connection everything is told anew: Redis may have been restarted, or have taken this process for lost.
 */
import type { LinkError } from "@pagi/core/topics/LinkError"
import type { LinkedMember } from "@pagi/core/topics/TopicLink"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import { Confirmations } from "./Confirmations.ts"
import * as PresenceScripts from "./PresenceScripts.ts"
import type { RedisConnection } from "./RedisConnection.ts"
import * as RedisMessage from "./RedisMessage.ts"
import type { RedisNames } from "./RedisNames.ts"

/** Members or topics that are named in one command. */
const chunk = 500

export interface OwnMembersOptions {
  readonly process: string
  readonly names: RedisNames
  /** Milliseconds that a member waits until Redis knows it. */
  readonly timeout: number
  readonly refused: (what: string, error: unknown) => LinkError
  /** Redis has refused to take all members of this process; that is tried again. */
  readonly onRefused: (error: unknown) => void
}

export class OwnMembers {
  private readonly options: OwnMembersOptions
  private readonly topics = new Map<string, Map<string, string>>()
  /** Topics in which Redis may know members of this process. */
  private known = new Set<string>()
  private state: "nothing" | "something" | "all" = "nothing"
  private connection: RedisConnection | undefined = undefined
  /** Whether this process has been in Redis, and so has to say that it is gone. */
  private wasTold = false
  /** Whether others may conclude from its channel that this process is lost. */
  private isVisible = true
  /** Members that wait until Redis knows them, by id. */
  private readonly confirmations = new Confirmations()

  constructor(options: OwnMembersOptions) {
    this.options = options
  }

  /** Whether there are or were members: others cost nothing. */
  get isUsed(): boolean {
    return this.wasTold || this.topics.size > 0
  }

  /**
   * A member comes. Completes when others can see it; when Redis cannot be reached, after some time without that: it will
   * be told with all others.
   */
  join(topic: string, { id, text }: LinkedMember): Effect.Effect<void, LinkError> {
    return Effect.suspend(() => {
      const members = this.topics.get(topic) ?? new Map<string, string>()
      members.set(id, text)
      this.topics.set(topic, members)
      const told = this.confirmations.wait(id, () => this.sendJoin(topic, id, text))
      return Effect.asVoid(Effect.timeoutOption(told, this.options.timeout))
    })
  }

  leave(topic: string, id: string): void {
    const { names, process } = this.options
    if (!this.remove(topic, id) || this.state !== "all") return
    this.connection?.send(PresenceScripts.leave(names, process, topic, id)).then(
      () => {
        if (!this.topics.has(topic)) this.known.delete(topic)
      },
      // It is told with the next connection, as the topic is still known.
      () => {}
    )
  }

  /** Others can see the connection of this process, so that they do not take it for lost. */
  connected(connection: RedisConnection): void {
    this.connection = connection
    if (this.isUsed) void this.tellAll(connection)
  }

  disconnected(): void {
    this.connection = undefined
    this.state = "nothing"
  }

  /**
   * Others have taken this process for lost. If they have not seen its connection, which is there, its channel says
   * nothing to them: some proxies connect each process with another Redis.
   */
  tellAgain(wasUnseen: boolean): void {
    if (wasUnseen) this.isVisible = false
    if (this.connection === undefined || this.state !== "all") return
    void this.tellAll(this.connection)
  }

  /** Says that the process lives, or tries again what has failed. */
  beat(): void {
    const { connection } = this
    const { names, process } = this.options
    if (connection === undefined || !this.isUsed) return
    if (this.state === "nothing") {
      void this.tellAll(connection)
      return
    }
    connection.send(["PEXPIRE", names.process(process), String(PresenceScripts.lifetime)]).then(
      (known) => {
        if (known === 0 && this.connection === connection) this.tellAgain(false)
      },
      () => {}
    )
  }

  /** Says that this process is gone, with all of its members. */
  async end(): Promise<void> {
    const { connection, wasTold } = this
    if (connection === undefined || !wasTold) return
    const { names, process } = this.options
    while ((await connection.send(PresenceScripts.sayGone(names, process))) === 1);
  }

  private remove(topic: string, id: string): boolean {
    const members = this.topics.get(topic)
    if (members?.delete(id) !== true) return false
    if (members.size === 0) this.topics.delete(topic)
    return true
  }

  private sendJoin(topic: string, id: string, text: string): void {
    const { connection } = this
    if (connection === undefined || this.state === "something") return
    if (this.state === "nothing") {
      void this.tellAll(connection)
      return
    }
    const { names, process, refused } = this.options
    this.known.add(topic)
    connection.send(PresenceScripts.join(names, process, topic, id, text)).then(
      (known) => {
        if (known === 1) this.confirmations.settle(id, Effect.void)
        else if (this.connection === connection) this.tellAgain(false)
      },
      (error: unknown) => {
        if (this.connection !== connection) return
        this.remove(topic, id)
        this.confirmations.settle(
          id,
          Effect.fail(refused(`to take a member into topic ${JSON.stringify(topic)}`, error))
        )
      }
    )
  }

  private async tellAll(connection: RedisConnection): Promise<void> {
    const { names, onRefused, process, refused } = this.options
    this.state = "something"
    this.wasTold = true
    try {
      const key = names.process(process)
      const lifetime = String(PresenceScripts.lifetime)
      const isVisible = this.isVisible && (await isSeen(connection, key))
      const life = (isComplete: boolean) => PresenceScripts.writeLife({ isComplete, isVisible })
      await Promise.all([
        connection.send(["SET", key, life(false), "PX", lifetime]),
        connection.send(["SADD", names.processes, process])
      ])
      while ((await connection.send(PresenceScripts.forgetOwn(names, process))) === 1);
      if (this.connection !== connection) return
      // All of this is sent in this turn, so that what comes and goes from now on is behind it.
      this.state = "all"
      const told: Array<string> = []
      for (const members of this.topics.values()) for (const id of members.keys()) told.push(id)
      const topics = new Set([...this.known, ...this.topics.keys()])
      this.known = new Set(this.topics.keys())
      const commands = [...this.everything()]
      commands.push(["SET", key, life(true), "PX", lifetime])
      const anew = RedisMessage.memberChange(["anew", process])
      for (const topic of topics) commands.push(["PUBLISH", names.changes(topic), anew])
      await Promise.all(commands.map((command) => connection.send(command)))
      for (const id of told) this.confirmations.settle(id, Effect.void)
    } catch (error) {
      if (this.connection !== connection) return
      // Tried again with the next beat, for instance when Redis is still loading what it has on disk.
      this.state = "nothing"
      if (isPassing(error)) return
      onRefused(error)
      this.failAll(refused("to take members", error))
    }
  }

  /** The commands by which Redis is told of all members. */
  private *everything(): Generator<ReadonlyArray<string>> {
    const { names, process } = this.options
    for (const topics of Arr.chunksOf(this.topics.keys(), chunk)) yield ["SADD", names.topicsOf(process), ...topics]
    for (const [topic, members] of this.topics) {
      yield ["SADD", names.processesIn(topic), process]
      for (const some of Arr.chunksOf(members, chunk)) yield ["HSET", names.members(process, topic), ...some.flat()]
    }
  }

  private failAll(error: LinkError): void {
    const ids = new Set(this.confirmations.names)
    for (const [topic, members] of this.topics) {
      for (const id of members.keys()) if (ids.has(id)) this.remove(topic, id)
    }
    for (const id of ids) this.confirmations.settle(id, Effect.fail(error))
  }
}

/** Whether Redis shows that this process listens to its channel; not all servers do, nor all users may ask. */
const isSeen = (connection: RedisConnection, channel: string): Promise<boolean> =>
  connection.send(["PUBSUB", "NUMSUB", channel]).then(
    (answer) => Array.isArray(answer) && Number(answer[1]) > 0,
    () => false
  )

/** Whether Redis may do later what it has refused. */
const isPassing = (error: unknown): boolean =>
  error instanceof Error && /^(LOADING|BUSY|TRYAGAIN|MASTERDOWN)/.test(error.message)

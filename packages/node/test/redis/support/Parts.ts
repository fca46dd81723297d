/** What the parts of a link to Redis are given in tests. */
import { LinkError } from "@pagi/core/topics/LinkError"
import type { LinkListener } from "@pagi/core/topics/TopicLink"
import { Outbox } from "../../../src/redis/Outbox.ts"
import type { RedisConnection } from "../../../src/redis/RedisConnection.ts"
import { make } from "../../../src/redis/RedisNames.ts"

/** Whom nothing is told. */
export const nobody: LinkListener = {
  onMessage: () => undefined,
  onGap: () => {},
  onJoin: () => {},
  onLeave: () => {},
  onProcessGone: () => {}
}

/** A connection on which all channels are confirmed, and commands go where the test says. */
export const connectionBy = (send: RedisConnection["send"]): RedisConnection => ({
  send,
  subscribe: () => Promise.resolve(),
  unsubscribe: () => Promise.resolve(),
  close: () => {}
})

/** The outbox of a process "P" with the prefix "x", whose messages wait for three ticks. */
export const makeOutbox = (): Outbox =>
  new Outbox({
    process: "P",
    names: make("x"),
    patience: 3,
    describe: (topic, problem) => new LinkError({ message: `${topic}: ${problem}` }),
    onRefused: () => {}
  })

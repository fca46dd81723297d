/**
 * The names of the channels and keys by which processes with the same prefix meet in Redis. Each kind has a letter of its
 * own, and a topic is the last part, so that no topic's name can be taken for something else.
 */

/** What a prefix may be: no colon, which ends it, and nothing that has a meaning in the patterns of Redis's ACLs. */
export const prefixPattern = /^[\w.-]{1,64}$/

export interface RedisNames {
  /** What all of the names begin with. */
  readonly root: string
  /** The channel that all processes listen to. */
  readonly all: string
  /** The channel of a topic's messages. */
  readonly topic: (topic: string) => string
  /** The topic whose messages come by a channel, where it is such a channel. */
  readonly topicOf: (channel: string) => string | undefined
  /** The channel of who comes into a topic and leaves it. */
  readonly changes: (topic: string) => string
  /** The topic whose members' coming and going is told by a channel, where it is such a channel. */
  readonly changesOf: (channel: string) => string | undefined
  /** The channel that one process alone listens to, by which others see its connection; and the key of its life. */
  readonly process: (process: string) => string
  /** The set of all processes that have members. */
  readonly processes: string
  /** The set of the topics in which a process has members. */
  readonly topicsOf: (process: string) => string
  /** The set of the processes that have members in a topic. */
  readonly processesIn: (topic: string) => string
  /** The hash of the members that a process has in a topic: ids, and what is told of them. */
  readonly members: (process: string, topic: string) => string
}

export const make = (prefix: string): RedisNames => {
  const root = `pagi:${prefix}:`
  const [topics, changes] = [`${root}t:`, `${root}c:`]
  return {
    root,
    all: `${root}a`,
    topic: (topic) => topics + topic,
    topicOf: (channel) => restOf(channel, topics),
    changes: (topic) => changes + topic,
    changesOf: (channel) => restOf(channel, changes),
    process: (process) => `${root}p:${process}`,
    processes: `${root}ps`,
    topicsOf: (process) => `${root}pt:${process}`,
    processesIn: (topic) => `${root}w:${topic}`,
    members: (process, topic) => `${root}m:${process}:${topic}`
  }
}

const restOf = (channel: string, start: string): string | undefined =>
  channel.startsWith(start) ? channel.slice(start.length) : undefined

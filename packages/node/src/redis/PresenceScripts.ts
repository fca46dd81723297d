/**
 * What Redis does with members as one step each, in its own language: nobody sees half of it, and two processes that clean
 * up after a third do not undo what that one does when it is back.
 */
import type { RedisNames } from "./RedisNames.ts"
import * as RedisMessage from "./RedisMessage.ts"

/** Milliseconds for which Redis remembers a process that says nothing. Others know earlier when its connection ends. */
export const lifetime = 6000

/** Topics that are cleaned up in one step: Redis does nothing else meanwhile. */
const cleanedTopics = 500

/** What a process's key says of it. */
export interface Life {
  /** Whether it has told all of its members; it is about to, otherwise. */
  readonly isComplete: boolean
  /** Whether Redis shows who listens to its channel. */
  readonly isVisible: boolean
}

export const writeLife = ({ isComplete, isVisible }: Life): string =>
  (isComplete ? "told" : "telling") + (isVisible ? "+" : "")

/** What a key says; nothing when there is none. */
export const readLife = (value: unknown): Life | undefined =>
  typeof value === "string" ? { isComplete: value.startsWith("told"), isVisible: value.endsWith("+") } : undefined

type Command = ReadonlyArray<string>

const evaluate = (script: string, keys: ReadonlyArray<string>, args: ReadonlyArray<string>): Command => [
  "EVAL",
  script,
  String(keys.length),
  ...keys,
  ...args
]

const joinScript = `
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('SADD', KEYS[2], ARGV[1])
redis.call('SADD', KEYS[3], ARGV[2])
redis.call('HSET', KEYS[4], ARGV[3], ARGV[4])
redis.call('PUBLISH', ARGV[5], ARGV[6])
return 1`

/** A member comes. Answers 0 when Redis does not know the process any more. */
export const join = (names: RedisNames, process: string, topic: string, id: string, text: string): Command =>
  evaluate(
    joinScript,
    [names.process(process), names.topicsOf(process), names.processesIn(topic), names.members(process, topic)],
    [topic, process, id, text, names.changes(topic), RedisMessage.memberChange(["join", process, id, text])]
  )

const leaveScript = `
redis.call('HDEL', KEYS[3], ARGV[3])
if redis.call('EXISTS', KEYS[3]) == 0 then
  redis.call('SREM', KEYS[1], ARGV[1])
  redis.call('SREM', KEYS[2], ARGV[2])
end
redis.call('PUBLISH', ARGV[4], ARGV[5])
return 1`

/** A member leaves. */
export const leave = (names: RedisNames, process: string, topic: string, id: string): Command =>
  evaluate(
    leaveScript,
    [names.topicsOf(process), names.processesIn(topic), names.members(process, topic)],
    [topic, process, id, names.changes(topic), RedisMessage.memberChange(["leave", process, id])]
  )

/** What names of topics begin with is given, as only Redis knows which topics the process is in. */
const cleanScript = `
local letter = ARGV[6]
if letter == 'lost' then
  local life = redis.call('GET', KEYS[1])
  letter = ARGV[7]
  if life then
    if string.sub(life, -1) ~= '+' or redis.call('PUBSUB', 'NUMSUB', KEYS[1])[2] > 0 then return -1 end
    letter = ARGV[8]
  end
end
local topics = redis.call('SPOP', KEYS[2], ARGV[5])
for _, topic in ipairs(topics) do
  redis.call('UNLINK', ARGV[2] .. topic)
  redis.call('SREM', ARGV[3] .. topic, ARGV[1])
end
if #topics == tonumber(ARGV[5]) then return 1 end
if letter ~= '' then
  redis.call('DEL', KEYS[1])
  redis.call('SREM', KEYS[3], ARGV[1])
  redis.call('PUBLISH', ARGV[4], letter .. ARGV[1])
end
return 0`

const clean = (names: RedisNames, process: string, letter: string): Command =>
  evaluate(
    cleanScript,
    [names.process(process), names.topicsOf(process), names.processes],
    [
      process,
      names.members(process, ""),
      names.processesIn(""),
      names.all,
      String(cleanedTopics),
      letter,
      RedisMessage.goneLetter,
      RedisMessage.unseenLetter
    ]
  )

/** Removes what Redis knows of this process, in steps: answers 1 as long as there may be more. */
export const forgetOwn = (names: RedisNames, process: string): Command => clean(names, process, "")

/** The same, and tells all others that this process is gone. */
export const sayGone = (names: RedisNames, process: string): Command => clean(names, process, RedisMessage.goneLetter)

/**
 * The same for a process that is lost, if it is: its key has expired, or says that its channel can be seen, and nobody
 * listens there. Answers -1 when it is back.
 */
export const sayLost = (names: RedisNames, process: string): Command => clean(names, process, "lost")

const readScript = `return { redis.call('GET', KEYS[1]), redis.call('HGETALL', KEYS[2]) }`

/** The value of a process's key, and the members that it has in a topic: ids and texts by turns. */
export const read = (names: RedisNames, process: string, topic: string): Command =>
  evaluate(readScript, [names.process(process), names.members(process, topic)], [])

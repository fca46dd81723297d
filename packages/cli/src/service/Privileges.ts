/** Giving up root's rights: a server needs them to bind a port below 1024, and for nothing afterwards. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { UsageError } from "../plan/ServerValues.ts"

/** Who the process is to be. */
export interface Identity {
  readonly uid: number
  readonly gid: number
  /** By which name, or number if there is none, the system finds the user's further groups; none: there are none. */
  readonly account: string | undefined
  /** The user's folder, if the system knows one. */
  readonly home: string | undefined
}

/** The system did not let the process become another user, or it is not quite that user. */
export class PrivilegeError extends Schema.TaggedError<PrivilegeError>()("PrivilegeError", {
  message: Schema.String
}) {}

/** What this module asks of the process, as a seam for its tests. */
export interface System {
  readonly getuid: () => number
  readonly geteuid: () => number
  readonly getgid: () => number
  readonly getegid: () => number
  readonly getgroups: () => ReadonlyArray<number>
  readonly initgroups: (user: string, group: number) => void
  readonly setgroups: (groups: ReadonlyArray<number>) => void
  readonly setgid: (gid: number) => void
  readonly setuid: (uid: number) => void
  /** A line of the system's databases, by name or number. */
  readonly entry: (database: "passwd" | "group", key: string) => ReadonlyArray<string> | undefined
  readonly environment: NodeJS.ProcessEnv
}

const missing = (): never => {
  throw new Error("this system has no users and groups")
}

/** Users of a directory service are in no file, but the program `getent` knows them. */
const findEntry: System["entry"] = (database, key) => {
  const column = /^\d+$/.test(key) ? 2 : 0
  const find = (text: string) =>
    text
      .split("\n")
      .map((line) => line.split(":"))
      .find((fields) => fields.length > 2 && fields[column] === key)
  return (
    find(readDatabase(`/etc/${database}`)) ??
    find(
      spawnSync("getent", ["--", database, key], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).stdout ?? ""
    )
  )
}

const readDatabase = (path: string): string => {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return ""
  }
}

/** Documented by Node, and missing from its types. */
interface WithInitgroups {
  readonly initgroups: (user: string, extraGroup: number) => void
}

const ofProcess: System = {
  getuid: () => process.getuid?.() ?? missing(),
  geteuid: () => process.geteuid?.() ?? missing(),
  getgid: () => process.getgid?.() ?? missing(),
  getegid: () => process.getegid?.() ?? missing(),
  getgroups: () => process.getgroups?.() ?? missing(),
  initgroups: (user, group) => (process as unknown as WithInitgroups).initgroups(user, group),
  setgroups: (groups) => process.setgroups?.([...groups]),
  setgid: (gid) => process.setgid?.(gid),
  setuid: (uid) => process.setuid?.(uid),
  entry: findEntry,
  environment: process.env
}

const refuse = (message: string): Effect.Effect<never, UsageError> => Effect.fail(new UsageError({ message }))

/** A number that the system takes; the largest one means "leave it as it is". */
const numberOf = (text: string | undefined): number | undefined => {
  const number = text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN
  return number < 2 ** 32 - 1 ? number : undefined
}

/**
 * The user and group that these names or numbers mean; nothing when neither is given. Without a group it is the user's
 * own. Fails for names that do not exist, and for a process that may not become another: only root may, and a process
 * that is that user already does not have to.
 */
export const resolve = Effect.fnUntraced(function* (
  user: string | null,
  group: string | null,
  system: System = ofProcess
) {
  if (user === null && group === null) return undefined
  const account = user === null ? undefined : system.entry("passwd", user)
  const uid = user === null ? system.getuid() : numberOf(account?.[2] ?? user)
  if (uid === undefined) return yield* refuse(`--user: there is no user ${JSON.stringify(user)}`)
  const gid = group === null ? numberOf(account?.[3]) : numberOf(system.entry("group", group)?.[2] ?? group)
  if (gid === undefined) {
    return yield* refuse(
      group === null
        ? `--user: user ${uid} has no entry in the system's list of users, so --group is needed`
        : `--group: there is no group ${JSON.stringify(group)}`
    )
  }
  const identity: Identity = { uid, gid, account: account?.[0], home: account?.[5] || undefined }
  if (system.geteuid() !== 0 && !isAlready(identity, system)) {
    const flag = user === null ? "--group" : "--user"
    return yield* refuse(`${flag}: only root can become another user; this process is run by user ${system.geteuid()}`)
  }
  return identity
})

const isAlready = ({ gid, uid }: Identity, system: System): boolean =>
  system.getuid() === uid && system.geteuid() === uid && system.getgid() === gid && system.getegid() === gid

/** Becomes that user for good: groups first, since afterwards it may not change them; then looks whether it is true. */
export const drop = (identity: Identity, system: System = ofProcess): Effect.Effect<void, PrivilegeError> =>
  system.geteuid() !== 0 && isAlready(identity, system)
    ? Effect.void
    : Effect.flatMap(
        Effect.try({
          try: () => become(identity, system),
          catch: (error) =>
            new PrivilegeError({
              message: `cannot become user ${identity.uid}: ${error instanceof Error ? error.message : String(error)}`
            })
        }),
        (problem) => (problem === undefined ? Effect.void : Effect.fail(new PrivilegeError({ message: problem })))
      )

/** Answers with what is wrong afterwards. */
const become = (identity: Identity, system: System): string | undefined => {
  const { account, gid, uid } = identity
  if (uid !== system.getuid()) setUserVariables(identity, system)
  if (account === undefined) system.setgroups([gid])
  else system.initgroups(account, gid)
  system.setgid(gid)
  system.setuid(uid)
  if (!isAlready(identity, system)) return `the process did not become user ${uid} of group ${gid}`
  if (system.getgroups().includes(0) && !belongsToRoot(identity, system)) return "the process kept the group of root"
  return uid !== 0 && canReturn(system) ? "the process could become root again" : undefined
}

/** In the environment, where programs look whose files they are to use. */
const setUserVariables = ({ account, home }: Identity, { environment }: System): void => {
  for (const [name, value] of Object.entries({ HOME: home, LOGNAME: account, USER: account })) {
    if (value === undefined) delete environment[name]
    else environment[name] = value
  }
}

/** Whether the user has the group of root by right. */
const belongsToRoot = ({ account, gid }: Identity, system: System): boolean =>
  gid === 0 || (account !== undefined && system.entry("group", "0")?.[3]?.split(",").includes(account) === true)

const canReturn = (system: System): boolean => {
  try {
    system.setuid(0)
    return true
  } catch {
    return false
  }
}

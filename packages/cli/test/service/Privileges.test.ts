import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Privileges from "../../src/service/Privileges.ts"

const users = ["root:x:0:0:root:/root:/bin/sh", "web:x:33:33::/srv/web:/bin/false"]
const groups = ["root:x:0:", "web:x:33:", "files:x:44:web"]

interface State {
  uid: number
  gid: number
  groups: ReadonlyArray<number>
}

/** A system with some users, that writes down what is asked of it. */
const makeSystem = (uid: number, change: Partial<Privileges.System> = {}) => {
  const state: State = { uid, gid: uid, groups: [uid] }
  const calls: Array<string> = []
  const call = (text: string, then: () => void): void => {
    calls.push(text)
    if (state.uid !== 0) throw new Error("not permitted")
    then()
  }
  const environment: NodeJS.ProcessEnv = { HOME: "/root", LOGNAME: "root", PATH: "/bin", USER: "root" }
  const system: Privileges.System = {
    getuid: () => state.uid,
    geteuid: () => state.uid,
    getgid: () => state.gid,
    getegid: () => state.gid,
    getgroups: () => state.groups,
    initgroups: (user, group) => call(`initgroups ${user} ${group}`, () => (state.groups = [group, 44])),
    setgroups: (list) => call(`setgroups ${list.join()}`, () => (state.groups = list)),
    setgid: (gid) => call(`setgid ${gid}`, () => (state.gid = gid)),
    setuid: (to) => call(`setuid ${to}`, () => (state.uid = to)),
    entry: (database, key) =>
      (database === "passwd" ? users : groups)
        .map((line) => line.split(":"))
        .find(([name, , number]) => name === key || number === key),
    environment,
    ...change
  }
  return { system, calls, environment }
}

const web: Privileges.Identity = { uid: 33, gid: 33, account: "web", home: "/srv/web" }

/** A user that is in no list. */
const numbered: Privileges.Identity = { uid: 1000, gid: 1001, account: undefined, home: undefined }

const resolve = (user: string | null, group: string | null, uid = 0) =>
  Privileges.resolve(user, group, makeSystem(uid).system)

const problem = (user: string | null, group: string | null, uid = 0) =>
  Effect.map(Effect.flip(resolve(user, group, uid)), ({ message }) => message)

describe("Privileges", () => {
  it.effect("finds users and groups by name and number", () =>
    Effect.gen(function* () {
      assert.isUndefined(yield* resolve(null, null))
      assert.deepStrictEqual(yield* resolve("web", null), web)
      assert.deepStrictEqual(yield* resolve("33", "files"), { ...web, gid: 44 })
      assert.deepStrictEqual(yield* resolve("1000", "1000"), { ...numbered, gid: 1000 })
      assert.deepStrictEqual(yield* resolve(null, "44"), { ...numbered, uid: 0, gid: 44 })
    })
  )

  it.effect("says what it does not find", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* problem("nemo", null), '--user: there is no user "nemo"')
      assert.strictEqual(yield* problem("web", "nemo"), '--group: there is no group "nemo"')
      assert.strictEqual(yield* problem("4294967295", "1"), '--user: there is no user "4294967295"')
      assert.strictEqual(
        yield* problem("1000", null),
        "--user: user 1000 has no entry in the system's list of users, so --group is needed"
      )
    })
  )

  it.effect("is for root, and for who is that user already", () =>
    Effect.gen(function* () {
      const reason = "only root can become another user; this process is run by user 33"
      assert.strictEqual(yield* problem("root", null, 33), `--user: ${reason}`)
      assert.strictEqual(yield* problem(null, "files", 33), `--group: ${reason}`)
      const identity = yield* resolve("web", null, 33)
      const { calls, system } = makeSystem(33)
      if (identity !== undefined) yield* Privileges.drop(identity, system)
      assert.deepStrictEqual(calls, [])
    })
  )

  it.effect("fails in a process of a third user, whatever was found before", () =>
    Effect.gen(function* () {
      const { calls, system } = makeSystem(44)
      const { message } = yield* Effect.flip(Privileges.drop(web, system))
      assert.strictEqual(message, "cannot become user 33: not permitted")
      assert.deepStrictEqual(calls, ["initgroups web 33"])
      // The right user in another group is not that identity either.
      const group = yield* Effect.flip(Privileges.drop({ ...web, gid: 44 }, makeSystem(33).system))
      assert.strictEqual(group.message, "cannot become user 33: not permitted")
    })
  )

  it.effect("gives up root's further groups too when the user is to stay root", () =>
    Effect.gen(function* () {
      const { calls, system } = makeSystem(0)
      yield* Privileges.drop({ uid: 0, gid: 0, account: "root", home: "/root" }, system)
      assert.deepStrictEqual(calls, ["initgroups root 0", "setgid 0", "setuid 0"])
    })
  )

  it.effect("becomes the user: groups first, and looks whether there is a way back", () =>
    Effect.gen(function* () {
      const first = makeSystem(0)
      yield* Privileges.drop(web, first.system)
      assert.deepStrictEqual(first.calls, ["initgroups web 33", "setgid 33", "setuid 33", "setuid 0"])
      const other = makeSystem(0)
      yield* Privileges.drop(numbered, other.system)
      assert.deepStrictEqual(other.calls, ["setgroups 1001", "setgid 1001", "setuid 1000", "setuid 0"])
    })
  )

  it.effect("has the environment name the user instead of root, unless it stays root", () =>
    Effect.gen(function* () {
      const environmentOf = (identity: Privileges.Identity) => {
        const { environment, system } = makeSystem(0)
        return Effect.as(Privileges.drop(identity, system), environment)
      }
      assert.deepStrictEqual(yield* environmentOf(web), { HOME: "/srv/web", LOGNAME: "web", PATH: "/bin", USER: "web" })
      assert.deepStrictEqual(yield* environmentOf(numbered), { PATH: "/bin" })
      assert.strictEqual((yield* environmentOf({ ...numbered, uid: 0 }))["HOME"], "/root")
    })
  )

  it.effect("fails when the process is not quite that user", () =>
    Effect.gen(function* () {
      const messageFor = (change: Partial<Privileges.System>) =>
        Effect.map(Effect.flip(Privileges.drop(web, makeSystem(0, change).system)), ({ message }) => message)
      assert.match(yield* messageFor({ setuid: () => {} }), /did not become user 33/)
      assert.match(yield* messageFor({ getegid: () => 0 }), /did not become user 33/)
      const refused = () => {
        throw new Error("EPERM")
      }
      assert.strictEqual(yield* messageFor({ setgid: refused }), "cannot become user 33: EPERM")
      let uid = 0
      assert.match(
        yield* messageFor({
          getuid: () => uid,
          geteuid: () => uid,
          setuid: (to) => {
            if (to !== 0) uid = to
          }
        }),
        /could become root again/
      )
      assert.match(yield* messageFor({ getgroups: () => [0, 33] }), /kept the group of root/)
    })
  )
})

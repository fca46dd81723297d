import { assert, describe, it } from "@effect/vitest"
import { type MembersChange, TopicMembers } from "../../src/topics/TopicMembers.ts"
import { TopicMessage } from "../../src/topics/TopicMessage.ts"

const present = (id: string, text = id) => ({ id, told: new TopicMessage(text) })

const make = () => {
  const members = new TopicMembers()
  const seen: Array<string> = []
  const watcher = {
    onChange: (change: MembersChange) =>
      void seen.push(`${change.type} ${change.member.told.text}${change.type === "left" ? ` ${change.reason}` : ""}`),
    close: () => {}
  }
  const ids = () => members.list("t").map(({ id }) => id)
  return { members, seen, watcher, ids }
}

describe("TopicMembers", () => {
  it("tells who comes and goes, here and elsewhere", () => {
    const { ids, members, seen, watcher } = make()
    members.join("t", present("a"))
    members.watch("t", watcher)
    members.join("t", present("b"))
    members.onJoin("t", "P", present("c"))
    members.onJoin("u", "P", present("d"))
    assert.deepStrictEqual(ids(), ["a", "b", "c"])
    assert.isTrue(members.leave("t", "a"))
    assert.isFalse(members.leave("t", "a"))
    members.onLeave("t", "P", "c")
    members.onLeave("t", "P", "c")
    assert.deepStrictEqual(ids(), ["b"])
    assert.deepStrictEqual(seen, ["joined b", "joined c", "left a left", "left c left"])
  })

  it("tells of a member only once, unless something else is told of it", () => {
    const { ids, members, seen, watcher } = make()
    members.watch("t", watcher)
    members.onJoin("t", "P", present("a", "Ada"))
    members.onJoin("t", "P", present("a", "Ada"))
    members.onJoin("t", "P", present("a", "Ada Lovelace"))
    assert.deepStrictEqual(seen, ["joined Ada", "joined Ada Lovelace"])
    assert.deepStrictEqual(ids(), ["a"])
  })

  it("loses all members of a process that has gone, and no others", () => {
    const { ids, members, seen, watcher } = make()
    members.watch("t", watcher)
    members.join("t", present("own"))
    members.onJoin("t", "P", present("a"))
    members.onJoin("t", "P", present("b"))
    members.onJoin("t", "Q", present("c"))
    members.onProcessGone("P")
    members.onProcessGone("P")
    assert.deepStrictEqual(ids(), ["own", "c"])
    assert.deepStrictEqual(seen.slice(4), ["left a lost", "left b lost"])
  })

  it("forgets those of other processes with the last watcher, since nobody tells of them from then on", () => {
    const { ids, members, seen, watcher } = make()
    members.join("t", present("own"))
    members.watch("t", watcher)
    members.onJoin("t", "P", present("a"))
    assert.isTrue(members.unwatch("t", watcher))
    assert.isFalse(members.unwatch("t", watcher))
    assert.deepStrictEqual(ids(), ["own"])
    // Was sent before the link has heard of it.
    members.onJoin("t", "P", present("late"))
    members.watch("t", watcher)
    assert.deepStrictEqual(ids(), ["own"])
    assert.deepStrictEqual(seen, ["joined a"])
  })

  it("keeps nothing of topics without members here and watchers", () => {
    const { members, watcher } = make()
    for (let count = 0; count < 1000; count++) {
      const topic = `topic ${count}`
      members.watch(topic, watcher)
      members.join(topic, present("a"))
      members.onJoin(topic, "P", present("b"))
      members.unwatch(topic, watcher)
      members.leave(topic, "a")
      members.leave(topic, "nobody")
    }
    assert.strictEqual(members.size, 0)
  })
})

import { assert, describe, it } from "@effect/vitest"
import type { ReloadState } from "@pagi/node/process/ReloadState"
import { ReloadNews } from "../../src/reload/ReloadNews.ts"

const problem = { message: "cannot load app.ts" }

const spawn = (news: ReloadNews, id: number) => {
  const told: Array<ReloadState> = []
  news.onSpawn(id, (state) => told.push(state))
  return told
}

describe("ReloadNews", () => {
  it("tells workers their generation, and what is wrong until a later one serves", () => {
    const news = new ReloadNews()
    const first = spawn(news, 1)
    news.onReady(1)
    news.begin()
    const second = spawn(news, 2)
    news.onBroken(2, problem)
    news.onExit(2)
    news.begin()
    const third = spawn(news, 3)
    news.onReady(3)
    assert.deepStrictEqual(first, [{ generation: 1 }, { generation: 1, problem }, { generation: 1 }])
    assert.deepStrictEqual(second, [{ generation: 2 }, { generation: 2, problem }])
    assert.deepStrictEqual(third, [{ generation: 3, problem }, { generation: 3 }])
  })

  it("takes no notice of what an earlier version says, nor of workers that are gone", () => {
    const news = new ReloadNews()
    const serving = spawn(news, 1)
    spawn(news, 2)
    news.begin()
    news.onBroken(2, problem)
    news.onExit(1)
    news.onBroken(1, problem)
    assert.deepStrictEqual(serving, [{ generation: 1 }])
    spawn(news, 3)
    news.onBroken(3, problem)
    news.onReady(2)
    assert.deepStrictEqual(spawn(news, 4), [{ generation: 2, problem }])
  })
})

import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { ClusterQuestions } from "../../src/worker/ClusterQuestions.ts"
import type { WorkerReport } from "../../src/worker/WorkerMessage.ts"

const make = () => {
  const sent: Array<WorkerReport> = []
  const questions = new ClusterQuestions((effect) => Effect.runSync(effect), {
    send: (report) => Effect.sync(() => void sent.push(report))
  })
  const answers: Array<object | undefined> = []
  const ask = (request: object) => questions.ask(request, (answer) => void answers.push(answer))
  return { questions, sent, answers, ask }
}

describe("what runners in a worker ask its parent", () => {
  it("has a number by which the answer is found, once", () => {
    const { answers, ask, questions, sent } = make()
    ask({ type: "a" })
    ask({ type: "b" })
    assert.deepStrictEqual(sent, [
      { type: "cluster", number: 1, request: { type: "a" } },
      { type: "cluster", number: 2, request: { type: "b" } }
    ])
    questions.answered(2, { of: "b" })
    questions.answered(2, { of: "b" })
    questions.answered(3, {})
    questions.answered(1, { of: "a" })
    assert.deepStrictEqual(answers, [{ of: "b" }, { of: "a" }])
  })

  it("is answered by nothing when the parent has ended, which is told once", () => {
    const { answers, ask, questions, sent } = make()
    const told: Array<string> = []
    questions.onLost(() => told.push("one"))
    questions.onLost(() => told.push("two"))()
    ask({ type: "a" })
    questions.lost()
    questions.lost()
    ask({ type: "b" })
    questions.onLost(() => told.push("three"))
    assert.deepStrictEqual(answers, [undefined, undefined])
    assert.deepStrictEqual(told, ["one", "three"])
    assert.strictEqual(sent.length, 1)
  })
})

import { assert, it } from "@effect/vitest"
import { completeAs } from "../../src/fetch/Delegation.ts"

class Base {
  #content = "content"

  get length(): number {
    return this.#content.length
  }

  text(prefix: string): string {
    return prefix + this.#content
  }
}

/** As programs and frameworks put it in the place of the runtime's class. */
class Replacement extends Base {}

class Light {
  declare readonly length: number
  declare readonly text: (prefix: string) => string
}

completeAs(Light, Replacement, () => new Replacement())

it("a light object has what its class inherits from the runtime's", () => {
  const light = new Light()
  assert.instanceOf(light, Base)
  assert.deepStrictEqual([light.length, light.text("a ")], [7, "a content"])
})

import { assert, describe, it } from "@effect/vitest"
import * as ServerOptions from "@pagi/core/ServerOptions"
import { variables } from "@pagi/node/listen/InheritedSockets"
import { problems } from "../../src/run/UnknownVariables.ts"

describe("UnknownVariables", () => {
  it("finds variables that are no option's, and says what may be meant", () => {
    assert.deepStrictEqual(problems(["PAGI_PROT", "PAGI_CERT", "PAGI_SOMETHING_ELSE", "PAGI_port"]), [
      "the variable PAGI_PROT is no option of the server; did you mean PAGI_PORT?",
      "the variable PAGI_CERT is no option of the server; did you mean PAGI_SSL_CERT?",
      "the variable PAGI_SOMETHING_ELSE is no option of the server",
      "the variable PAGI_port is no option of the server; did you mean PAGI_PORT?"
    ])
  })

  it("finds nothing wrong with those of options and of the server itself, and with others", () => {
    const names = ServerOptions.definitions.map(([name]) => ServerOptions.environmentName(name))
    const own = ["PAGI_PID", "PAGI_USER", "PAGI_GROUP", "PAGI_CONTROL", "PAGI_LAUNCHER_FD", ...variables]
    assert.deepStrictEqual(problems([...names, ...own, "PATH", "XPAGI_A"]), [])
  })
})

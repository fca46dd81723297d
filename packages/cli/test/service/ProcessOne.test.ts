import { assert, describe, it } from "@effect/vitest"
import { execFileSync, spawnSync } from "node:child_process"
import { claim, replacement, variable } from "../../src/service/ProcessOne.ts"

/** What the shell and then the command make of an environment. */
const through = (environment: Readonly<Record<string, string>>): NodeJS.ProcessEnv => {
  const print = "process.stdout.write(JSON.stringify(process.env))"
  const shell = replacement([process.execPath, "-e", print], environment)
  const text = execFileSync(shell.path, shell.args.slice(1), { env: shell.environment, encoding: "utf8" })
  // What this program itself has printed.
  const seen = JSON.parse(text) as NodeJS.ProcessEnv
  assert.isTrue(claim(seen, 7))
  return seen
}

describe("ProcessOne", () => {
  it("brings an environment past the shell, as it was", () => {
    const environment = {
      PATH: process.env["PATH"] ?? "",
      "my.key": "a 'b' \"c\"\n$d",
      "other-key": "1",
      _: "/usr/bin/env",
      PWD: "/nowhere",
      IFS: ":",
      TEXT: "ü $HOME `date` \\n",
      EMPTY: ""
    }
    assert.deepStrictEqual(through(environment), environment)
    assert.deepStrictEqual(through({}), {})
    // Busybox is one program, which goes by the name that it is called by.
    assert.strictEqual(replacement([], {}).args[0], "/bin/sh")
  })

  it("passes on arguments, input, output and the exit code", () => {
    const program = "process.stdin.pipe(process.stdout); console.error(process.argv[1]); process.exitCode = 5"
    const { args, path } = replacement([process.execPath, "-e", program, 'a "b" $c *'], {})
    const result = spawnSync(path, args.slice(1), { input: "typed", encoding: "utf8" })
    assert.deepStrictEqual([result.status, result.stdout, result.stderr], [5, "typed", 'a "b" $c *\n'])
  })

  it("tells by its exit code by which signal the command has ended", () => {
    const { args, path } = replacement([process.execPath, "-e", "process.kill(process.pid, 'SIGKILL')"], {})
    assert.strictEqual(spawnSync(path, args.slice(1)).status, 137)
  })

  it("is what process 1 is, and what it runs, whatever the variable says", () => {
    assert.isTrue(claim({}, 1))
    assert.isFalse(claim({}, 7))
    for (const text of ["", "no JSON", "null", "[1]", '{ "a": 1 }']) {
      const environment = { [variable]: text, HOME: "/" }
      assert.isTrue(claim(environment, 7))
      assert.deepStrictEqual<NodeJS.ProcessEnv>(environment, { HOME: "/" })
    }
  })
})

import { assert, describe, it } from "@effect/vitest"
import * as ServerOptions from "@pagi/core/ServerOptions"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { read, readPlaceholder } from "../../src/completions/Completed.ts"
import * as CompletionScript from "../../src/completions/CompletionScript.ts"
import { command } from "../../src/run/ServerCommand.ts"
import * as HealthCommand from "../../src/status/HealthCommand.ts"
import * as StatusCommand from "../../src/status/StatusCommand.ts"
import * as TopCommand from "../../src/top/TopCommand.ts"

const program = read(command)
const { commands, serving } = program
const namesOf = ({ flags }: typeof serving) => flags.flatMap(({ names }) => names)
const flagsIn = (text: string) => [...new Set(text.match(/--[a-z-]+/g))].toSorted()

describe("what is completed", () => {
  it("is every option by the name that does something, with its short form", () => {
    for (const [name, { alias, defaultValue }] of ServerOptions.definitions) {
      const flagName = ServerOptions.flagName(name)
      assert.include(namesOf(serving), defaultValue === true ? `--no-${flagName}` : `--${flagName}`)
      if (alias !== undefined && defaultValue !== true) assert.include(namesOf(serving), `-${alias}`)
    }
    for (const name of ["--daemonize", "--config", "--no-access-log", "--help", "-v", "--completions"]) {
      assert.include(namesOf(serving), name)
    }
    assert.strictEqual(new Set(namesOf(serving)).size, namesOf(serving).length)
  })

  it("knows of every flag with a value what may follow", () => {
    const unknown = serving.flags.filter(({ value }) => value?.placeholder === "VALUE")
    assert.deepStrictEqual(unknown, [])
  })

  it("are the commands, with the flags that they tell of themselves", () => {
    const sources = ["bin.ts", "run/start.ts"].map((name) => join(import.meta.dirname, "../../src", name))
    const known = sources.map((source) => readFileSync(source, "utf8")).join("")
    const words = [...known.matchAll(/args\[0\] === "(\w+)"/g)].map(([, word]) => word)
    assert.deepStrictEqual(commands.map(({ name }) => name).toSorted(), words.toSorted())
    const flagsOf = (name: string) =>
      commands
        .filter((one) => one.name === name)
        .flatMap(namesOf)
        .toSorted()
    assert.deepStrictEqual(flagsOf("status"), flagsIn(StatusCommand.usage))
    assert.deepStrictEqual(flagsOf("health"), flagsIn(HealthCommand.usage))
    // That of servers is in its text, and none of its own.
    assert.deepStrictEqual(flagsOf("top"), [])
    assert.deepStrictEqual(flagsIn(TopCommand.usage), ["--admin"])
  })

  it("are the values that a placeholder lists, and files where it says so", () => {
    const valueOf = (placeholder: string) => {
      const { files, words } = readPlaceholder(placeholder)
      return [words, files]
    }
    assert.deepStrictEqual(valueOf("plain|json"), [["plain", "json"], undefined])
    assert.deepStrictEqual(valueOf("TLSv1.2|TLSv1.3"), [["TLSv1.2", "TLSv1.3"], undefined])
    assert.deepStrictEqual(valueOf("N|auto"), [["auto"], undefined])
    assert.deepStrictEqual(valueOf("FILE|stdout|off"), [["stdout", "off"], "file"])
    assert.deepStrictEqual(valueOf("PATH|GLOB"), [[], "file"])
    assert.deepStrictEqual(valueOf("FOLDER"), [[], "folder"])
    // The path of a request is no file.
    assert.deepStrictEqual(valueOf("/PATH"), [[], undefined])
    assert.deepStrictEqual(valueOf("max-age=SECONDS[,preload]"), [[], undefined])
    assert.deepStrictEqual(valueOf("CERT:KEY"), [[], undefined])
    assert.deepStrictEqual(valueOf("PREFIX=FOLDER"), [[], undefined])
  })

  it("lists no value that the option refuses", () => {
    for (const { names, value } of serving.flags) {
      const [, definition] =
        ServerOptions.definitions.find(([name]) => names[0] === `--${ServerOptions.flagName(name)}`) ?? []
      for (const word of value?.words ?? []) {
        if (definition === undefined) continue
        const input = definition.kind.fromText(word)
        assert.isDefined(input === undefined ? undefined : definition.kind.accept(input), `${names[0]} ${word}`)
      }
    }
  })

  it("needs no quoting in any of the shells", () => {
    for (const { flags, name } of [serving, ...commands]) {
      for (const { names, value } of flags) {
        for (const word of [name, ...names, ...(value?.words ?? [])]) assert.match(word, /^[\w.-]*$/)
      }
    }
  })

  for (const shell of ["bash", "zsh", "fish"] as const) {
    it(`is in the script for ${shell}`, () => {
      const script = CompletionScript.make(shell, command)
      for (const name of namesOf(serving)) {
        const dashless = name.replace(/^-+/, "")
        assert.include(script, shell === "fish" ? ` -${name.startsWith("--") ? "l" : "s"} ${dashless}` : name)
      }
      for (const { name } of commands) assert.include(script, name)
      assert.notInclude(script, "undefined")
    })
  }
})

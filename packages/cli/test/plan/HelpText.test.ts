import { assert, describe, it } from "@effect/vitest"
import * as ServerOptions from "@pagi/core/ServerOptions"
import type { FlagDoc, HelpDoc } from "effect/cli/HelpDoc"
import * as Context from "effect/Context"
import * as Option from "effect/Option"
import { stripVTControlCharacters } from "node:util"
import * as HelpText from "../../src/plan/HelpText.ts"

const flag = (name: string): FlagDoc => ({
  name,
  aliases: [],
  type: "string",
  description: Option.some(`About ${name}`),
  required: false
})

const ofServer = ServerOptions.definitions.map(([name]) => ServerOptions.flagName(name))

const doc: HelpDoc = {
  description: "Serves",
  usage: "pagi-server [flags]",
  annotations: Context.empty(),
  flags: [...ofServer, "pid", "no-access-log"].map(flag),
  globalFlags: [flag("help"), flag("completions")]
}

const shown = (topic?: string): ReadonlyArray<string> =>
  [...stripVTControlCharacters(HelpText.format(doc, topic)).matchAll(/^ {6}--(\S+)/gm)].map(([, name = ""]) => name)

describe("HelpText", () => {
  it("shows each flag in one group, and all of them with all", () => {
    const flags = [...doc.flags, ...(doc.globalFlags ?? [])].map(({ name }) => name).toSorted()
    const groups = HelpText.topics.filter((topic) => topic !== "all")
    assert.deepStrictEqual(groups.flatMap((topic) => shown(topic)).toSorted(), flags)
    assert.deepStrictEqual([...shown("all")].toSorted(), flags)
    for (const topic of HelpText.topics) assert.isNotEmpty(shown(topic), topic)
  })

  it("has every option in the group that the table says", () => {
    for (const [name] of ServerOptions.definitions) {
      assert.include(shown(ServerOptions.groupOf(name)), ServerOptions.flagName(name))
    }
    assert.deepStrictEqual(shown("others"), ["help", "completions"])
    assert.include(shown("processes"), "pid")
  })

  it("knows by the name of a flag or an option in which group it is", () => {
    assert.strictEqual(HelpText.topicNamed("processes"), "processes")
    assert.strictEqual(HelpText.topicNamed("all"), "all")
    assert.strictEqual(HelpText.topicNamed("max-workers"), "processes")
    assert.strictEqual(HelpText.topicNamed("maxWorkers"), "processes")
    assert.strictEqual(HelpText.topicNamed("ssl-cert"), "tls")
    assert.strictEqual(HelpText.topicNamed("pid"), "processes")
    assert.isUndefined(HelpText.topicNamed("wrokers"))
  })

  it("names the groups and few flags without a topic", () => {
    const lines = stripVTControlCharacters(HelpText.format(doc)).split("\n")
    for (const [group, { title }] of Object.entries(ServerOptions.groups)) {
      assert.isTrue(
        lines.some((line) => line.startsWith(`  ${group} `) && line.includes(title)),
        group
      )
    }
    assert.include(shown(), "port")
    assert.isBelow(shown().length, 15)
    assert.isTrue(lines.every((line) => line.length <= 80))
  })

  it("reads the topic after the flag, when there is nothing else", () => {
    const none = (args: ReadonlyArray<string>) =>
      assert.deepStrictEqual(HelpText.topicOf(args), { args, topic: undefined })
    assert.deepStrictEqual(HelpText.topicOf(["--help", "tls"]), { args: ["--help"], topic: "tls" })
    assert.deepStrictEqual(HelpText.topicOf(["-h", "all"]), { args: ["-h"], topic: "all" })
    assert.deepStrictEqual(HelpText.topicOf(["--help=logs"]), { args: ["--help"], topic: "logs" })
    none([])
    none(["--help"])
    none(["--help", "--port"])
    none(["./app.ts", "--help"])
    none(["--help", "tls", "./app.ts"])
  })
})

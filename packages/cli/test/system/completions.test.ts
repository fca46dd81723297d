import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { join } from "node:path"
import { findProgram } from "../../../../test/support/FindProgram.ts"
import * as Program from "../support/Program.ts"
import * as Site from "../support/Site.ts"

const python = findProgram("python3")
const typing = join(import.meta.dirname, "fixtures/complete.py")

interface Shell {
  readonly program: string | undefined
  readonly args: ReadonlyArray<string>
  /** Where the script is to be. */
  readonly file: string
  /** What has the shell use it. */
  readonly setup: string
}

const shells: Readonly<Record<"bash" | "zsh" | "fish", Shell>> = {
  bash: {
    program: findProgram("bash"),
    args: ["--norc", "--noprofile", "-i"],
    file: "completions.bash",
    setup: "source ./completions.bash"
  },
  zsh: {
    program: findProgram("zsh"),
    args: ["-f", "-i"],
    file: "_pagi-server",
    setup: "fpath=($PWD $fpath); autoload -Uz compinit; compinit -u -D"
  },
  fish: { program: findProgram("fish"), args: [], file: "pagi-server.fish", setup: "source ./pagi-server.fish" }
}

/** What is typed behind the name of the command, and some of what must be offered then. */
const cases: ReadonlyArray<readonly [line: string, ...expected: ReadonlyArray<string>]> = [
  ["--max-q", "--max-queue-time", "--max-queued-requests"],
  ["--log-level ", "debug", "info", "warn", "error"],
  ["app.ts -w ", "auto"],
  ["--listen 1 --lis", "--listen", "--listener-backlog"],
  ["--no-h", "--no-http2"],
  ["--help pr", "pressure", "processes", "proxies"],
  ["--ssl-cert cer", "cert-a.pem", "cert-b.pem"],
  ["--access-log st", "stdout", "stderr", "store.log"],
  ["st", "status", "store.log"],
  ["status --", "--json", "--watch"],
  ["check --no-a", "--no-app", "--no-access-log"],
  ["check --log-format ", "plain", "logfmt"],
  ["cert-", "cert-a.pem", "cert-b.pem"],
  ["--secrets fol", "folder/"],
  ["--completions ", "bash", "zsh", "fish"]
]

const files = { "cert-a.pem": "", "cert-b.pem": "", "store.log": "", "folder/file": "", "folded.txt": "" }

const scriptFor = (name: string) =>
  Effect.map(Program.run(["--completions", name]), ({ code, stderr, stdout }) => {
    assert.deepStrictEqual([code, stderr], [0, ""])
    return stdout
  })

const timeout = 90_000

for (const [name, { args, file, program, setup }] of Object.entries(shells)) {
  describe.skipIf(program === undefined || (name !== "fish" && python === undefined))(`completions in ${name}`, () => {
    const prepare = Effect.flatMap(scriptFor(name), (script) => Site.make({ ...files, [file]: script }))

    it.live(
      "offer flags, values, files and commands",
      () =>
        Effect.gen(function* () {
          const cwd = yield* prepare
          for (const [line, ...expected] of cases) {
            const typed = `pagi-server ${line}`
            const ask =
              name === "fish"
                ? Program.startOther(program ?? "", ["-c", `${setup}; complete -C ${JSON.stringify(typed)}`], { cwd })
                : Program.startOther(python ?? "", [typing, setup, typed, ...expected, "--", program ?? "", ...args], {
                    cwd
                  })
            const { code, stderr, stdout } = yield* Effect.scoped(Effect.flatMap(ask, ({ result }) => result))
            assert.deepStrictEqual([code, stderr], [0, ""], typed)
            if (name !== "fish") continue
            const offered = stdout.split("\n").map((text) => text.split("\t")[0])
            for (const word of expected) assert.include(offered, word, typed)
          }
        }),
      timeout
    )
  })
}

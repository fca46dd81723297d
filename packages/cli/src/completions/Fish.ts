/** The script for fish. */
import type { CompletedCommand, CompletedFlag, CompletedProgram, CompletedValue } from "./Completed.ts"

/** A text within single quotes. */
const quoted = (text: string): string => `'${text.replace(/[\\']/g, "\\$&")}'`

const folders = "(__fish_complete_directories (commandline -ct))"

const valueOf = ({ files, words }: CompletedValue): string => {
  const listed = [...words, ...(files === "folder" ? [folders] : [])].join(" ")
  const isFile = files === "file"
  return `${isFile ? "-r -F" : "-x"}${listed === "" ? "" : ` -a ${quoted(listed)}`}`
}

const nameOf = (name: string): string => (name.startsWith("--") ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`)

/** Writes the script. */
export const script = ({ commands, name, serving }: CompletedProgram): string => {
  const base = `__${name.replaceAll("-", "_")}`
  const complete = (when: string, rest: string): string => `complete -c ${name} -n ${quoted(when)} ${rest}`
  const flagOf = (when: string, { description, names, value }: CompletedFlag): string => {
    const values = value === undefined ? "" : ` ${valueOf(value)}`
    return complete(when, `${names.map(nameOf).join(" ")}${values} -d ${quoted(description)}`)
  }
  const linesOf = (command: CompletedCommand): ReadonlyArray<string> => {
    const when = `${base}_is ${command.name === "" ? "serve" : command.name}`
    return command.flags.map((flag) => flagOf(when, flag))
  }
  return `# Completions of ${name} for fish, written by: ${name} --completions fish

# Which command the words before the cursor are for.
function ${base}_is
    set -l words (commandline -opc)
    if contains -- "$words[2]" ${commands.map((command) => command.name).join(" ")}
        test "$words[2]" = $argv[1]
    else
        test serve = $argv[1]
    end
end

function ${base}_is_first
    test (count (commandline -opc)) -eq 1
end

${commands.map((one) => complete(`${base}_is_first`, `-a ${one.name} -d ${quoted(one.description)}`)).join("\n")}
${[serving, ...commands].flatMap(linesOf).join("\n")}
`
}

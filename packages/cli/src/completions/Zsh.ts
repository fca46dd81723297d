/** The script for zsh, by its own function for arguments, `_arguments`. */
import type { CompletedCommand, CompletedFlag, CompletedProgram, CompletedValue } from "./Completed.ts"

/** A text within single quotes. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

/** A text in the middle of a specification, where colons and brackets mean something. */
const escaped = (text: string): string => text.replace(/[\\:[\]]/g, "\\$&")

/** What completes a value; `base` is the prefix of the script's own functions. */
const actionOf = (base: string, { files, placeholder, words }: CompletedValue): string => {
  const name = escaped(placeholder)
  const ofFiles = files === "file" ? "_files" : files === "folder" ? "_files -/" : ""
  if (words.length === 0) return `:${name}:${ofFiles}`
  return files === undefined ? `:${name}:(${words.join(" ")})` : `:${name}:${base}_words_or_files ${words.join(" ")}`
}

/** What `_arguments` has to know of a flag: a line for each of its names, which exclude one another. */
const specificationsOf = (
  base: string,
  { description, names, repeats, value }: CompletedFlag
): ReadonlyArray<string> => {
  const others = repeats ? "*" : names.length > 1 ? `(${names.join(" ")})` : ""
  const text = `[${escaped(description)}]${value === undefined ? "" : actionOf(base, value)}`
  return names.map((name) => {
    const sign = value === undefined ? "" : name.startsWith("--") ? "=" : "+"
    return quoted(`${others}${name}${sign}${text}`)
  })
}

const indented = (lines: ReadonlyArray<string>): string => lines.map((line) => `    ${line}`).join("\n")

const functionOf = (base: string, { argument, flags, name }: CompletedCommand): string => {
  const positional = name === "" ? `1:${argument.placeholder}:${base}_first` : `1${actionOf(base, argument)}`
  return `${base}_${name || "serve"}() {
  local -a flags=(
${indented([...flags.flatMap((flag) => specificationsOf(base, flag)), quoted(positional)])}
  )
  _arguments -s -S $flags
}`
}

/** Writes the script. */
export const script = ({ commands, name, serving }: CompletedProgram): string => {
  const base = `_${name.replaceAll("-", "_")}`
  const described = commands.map((command) => quoted(`${command.name}:${command.description}`))
  return `#compdef ${name}
# Completions of ${name} for zsh, written by: ${name} --completions zsh

${base}_first() {
  local -a commands=(
${indented(described)}
  )
  ((CURRENT == 2)) && _describe command commands
  _files
}

${base}_words_or_files() {
  compadd -- "$@"
  _files
}

${[serving, ...commands].map((command) => functionOf(base, command)).join("\n\n")}

${base}() {
  local word=$words[2]
  if ((CURRENT > 2)) && [[ $word == (${commands.map((command) => command.name).join("|")}) ]]; then
    shift words
    ((CURRENT--))
    ${base}_$word
  else
    ${base}_serve
  fi
}

${base} "$@"
`
}

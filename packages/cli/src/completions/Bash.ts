/** The script for bash. Where it finds nothing, readline completes files by itself, and quotes them as they have to be. */
import type { CompletedCommand, CompletedProgram } from "./Completed.ts"

/** The flags with values, by what completes these. */
const valuesOf = (base: string, { flags }: CompletedCommand): ReadonlyArray<string> => {
  const groups = new Map<string, Array<string>>()
  for (const { names, value } of flags) {
    if (value === undefined) continue
    const action = `'${value.words.join(" ")}' '${value.files ?? ""}'`
    groups.set(action, [...(groups.get(action) ?? []), ...names])
  }
  return [...groups].map(([action, names]) => `    ${names.join(" | ")}) ${base}_offer ${action}; return ;;`)
}

/** The function for a command; its first word may be one of these, too. */
const functionOf = (base: string, command: CompletedCommand, words: ReadonlyArray<string>): string =>
  `${base}_${command.name || "serve"}() {
  case $flag in
${valuesOf(base, command).join("\n")}
  esac
  case $cur in
    -*) ${base}_offer '${command.flags.flatMap(({ names }) => names).join(" ")}' '' ;;
    *) ((COMP_CWORD == 1)) && ${base}_offer '${words.join(" ")}' file ;;
  esac
}`

/** Writes the script. */
export const script = ({ commands, name, serving }: CompletedProgram): string => {
  const base = `_${name.replaceAll("-", "_")}`
  const words = commands.map((command) => command.name)
  return `# Completions of ${name} for bash, written by: ${name} --completions bash

${base}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} flag=\${COMP_WORDS[COMP_CWORD - 1]}
  # bash takes --flag=value for three words.
  if [[ $cur == = ]]; then
    cur=
  elif [[ $flag == = ]] && ((COMP_CWORD > 2)); then
    flag=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  COMPREPLY=()
  if ((COMP_CWORD > 1)); then
    case \${COMP_WORDS[1]} in
${words.map((word) => `      ${word}) ${base}_${word}; return ;;`).join("\n")}
    esac
  fi
  ${base}_serve
}

# Offers words that go on with what is there, and files or folders if they may be named as well.
${base}_offer() {
  local one
  COMPREPLY=($(compgen -W "$1" -- "$cur"))
  case $2 in
    file)
      ((\${#COMPREPLY[@]} == 0)) && return
      compopt -o filenames 2> /dev/null
      while IFS= read -r one; do COMPREPLY+=("$one"); done < <(compgen -f -- "$cur")
      ;;
    folder) compopt +o default -o dirnames 2> /dev/null ;;
    *) compopt +o default 2> /dev/null ;;
  esac
}

${[serving, ...commands].map((command) => functionOf(base, command, command === serving ? words : [])).join("\n\n")}

complete -o default -F ${base} ${name}
`
}

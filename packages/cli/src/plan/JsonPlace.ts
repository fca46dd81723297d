/**
 * Where a text is no JSON, and what was expected there. The runtime's own message quotes the text around, which in a
 * configuration file may be a secret.
 */

/** A place in a text; both numbers count from 1. */
export interface JsonPlace {
  readonly line: number
  readonly column: number
  readonly expected: string
}

/** What may come next: a value, the name of a property, or what is between them. */
type State = "value" | "valueOrEnd" | "name" | "nameOrEnd" | "colon" | "commaOrEnd" | "end"

type Bracket = "{" | "["

const blank = /[ \t\r\n]*/y

/** A text, another value without parts, or a sign. */
const token =
  /("(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)|[{}[\],:]/y

const closing = { "{": "}", "[": "]" } as const

/** What may come after a token; nothing if the token may not come. */
const next = (state: State, [sign, text, scalar]: RegExpExecArray, open: Array<Bracket>): State | undefined => {
  const afterValue = (): State => (open.length === 0 ? "end" : "commaOrEnd")
  const innermost = open.at(-1)
  const mayClose = state === "valueOrEnd" || state === "nameOrEnd" || state === "commaOrEnd"
  if (mayClose && innermost !== undefined && sign === closing[innermost]) {
    open.pop()
    return afterValue()
  }
  switch (state) {
    case "value":
    case "valueOrEnd":
      if (text !== undefined || scalar !== undefined) return afterValue()
      if (sign !== "{" && sign !== "[") return undefined
      open.push(sign)
      return sign === "{" ? "nameOrEnd" : "valueOrEnd"
    case "name":
    case "nameOrEnd":
      return text === undefined ? undefined : "colon"
    case "colon":
      return sign === ":" ? "value" : undefined
    case "commaOrEnd":
      return sign === "," ? (innermost === "{" ? "name" : "value") : undefined
    case "end":
      return undefined
  }
}

const expectations: Readonly<Record<State, (end: string) => string>> = {
  value: () => "a value",
  valueOrEnd: () => "a value or ]",
  name: () => "a name in double quotes",
  nameOrEnd: () => "a name in double quotes, or }",
  colon: () => ":",
  commaOrEnd: (end) => `, or ${end}`,
  end: () => "nothing more"
}

const expectedAt = (state: State, character: string, open: ReadonlyArray<Bracket>): string => {
  const innermost = open.at(-1)
  const expected = expectations[state](innermost === undefined ? "" : closing[innermost])
  if (character === "/") return `${expected} (JSON has no comments)`
  const isText = character === '"' && state !== "colon" && state !== "commaOrEnd" && state !== "end"
  return isText ? "a text that ends on its line and has no other escapes than those of JSON" : expected
}

/** Where a text stops being JSON; nothing for one that is JSON to its end. */
export const find = (text: string): JsonPlace | undefined => {
  const open: Array<Bracket> = []
  let state: State = "value"
  for (let position = 0; ;) {
    blank.lastIndex = position
    blank.exec(text)
    position = blank.lastIndex
    if (state === "end" && position === text.length) return undefined
    token.lastIndex = position
    const match: RegExpExecArray | null = token.exec(text)
    const after: State | undefined = match === null ? undefined : next(state, match, open)
    if (after === undefined) return at(text, position, expectedAt(state, text[position] ?? "", open))
    position = token.lastIndex
    state = after
  }
}

const at = (text: string, position: number, expected: string): JsonPlace => {
  const lines = text.slice(0, position).split("\n")
  return { line: lines.length, column: (lines.at(-1) ?? "").length + 1, expected }
}

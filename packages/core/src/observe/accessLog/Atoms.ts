/** The atoms of access log formats: what each of them writes of a finished exchange. */
import type { ExchangeRecord } from "../Observer.ts"
import { type HeaderBlock, get } from "../../http/HeaderBlock.ts"
import { escapeLogText } from "./Escape.ts"
import { formatThousandths, LogTime } from "./Time.ts"

/** Writes one part of a line. */
export type Piece = (record: ExchangeRecord) => string

/** What stands for a value that there is not. */
const absent = "-"

/** The peer of a Unix socket has no address. */
export const hostOf = ({ client }: ExchangeRecord): string => (client === undefined ? "unix" : client[0])

/** Where the query begins in a target, or its end. */
const queryStart = (target: string): number => {
  const mark = target.indexOf("?")
  return mark === -1 ? target.length : mark
}

const whole = (value: number): string => String(Math.floor(value))

/** The method and the target, or one "-" when there was no request. */
export const writeMethodAndTarget: Piece = ({ request }) =>
  request === undefined ? absent : escapeLogText(`${request.method} ${request.target}`)

/** The atoms without an argument, by what follows their "%". */
export const makeAtoms = (): ReadonlyMap<string, Piece> => {
  const time = new LogTime()
  return new Map<string, Piece>([
    ["h", hostOf],
    ["a", hostOf],
    ["l", () => absent],
    ["u", () => absent],
    ["t", ({ startedAt }) => time.common(startedAt)],
    [
      "r",
      (record) =>
        record.request === undefined
          ? absent
          : `${writeMethodAndTarget(record)} HTTP/${escapeLogText(record.request.httpVersion)}`
    ],
    ["m", ({ request }) => (request === undefined ? absent : escapeLogText(request.method))],
    [
      "U",
      ({ request }) =>
        request === undefined ? absent : escapeLogText(request.target.slice(0, queryStart(request.target)))
    ],
    [
      "q",
      ({ request }) => (request === undefined ? "" : escapeLogText(request.target.slice(queryStart(request.target))))
    ],
    ["H", ({ request }) => (request === undefined ? absent : `HTTP/${escapeLogText(request.httpVersion)}`)],
    ["s", ({ status }) => String(status)],
    [">s", ({ status }) => String(status)],
    ["b", ({ bytes }) => (bytes === 0 ? absent : String(bytes))],
    ["B", ({ bytes }) => String(bytes)],
    ["L", ({ requestId }) => (requestId === undefined ? absent : escapeLogText(requestId))],
    ["A", ({ server }) => (server === undefined ? absent : escapeLogText(server[0]))],
    ["p", ({ server }) => String(server?.[1] ?? absent)],
    ["d", ({ duration }) => formatThousandths(duration)],
    ["D", ({ duration }) => whole(duration * 1000)],
    ["T", ({ duration }) => whole(duration / 1000)]
  ])
}

/** Units of `%{…}T`. */
const durations: ReadonlyMap<string, Piece> = new Map<string, Piece>([
  ["s", ({ duration }) => whole(duration / 1000)],
  ["ms", ({ duration }) => whole(duration)],
  ["us", ({ duration }) => whole(duration * 1000)]
])

const field = (headers: HeaderBlock | undefined, name: string): string => {
  const value = headers === undefined ? undefined : get(headers, name)
  return value === undefined ? absent : escapeLogText(value)
}

/** The same for a response, where an application may have written names in any case. */
const responseField = (headers: HeaderBlock | undefined, name: string): string => {
  const header = headers?.find(([other]) => other === name || other.toLowerCase() === name)
  return header === undefined ? absent : escapeLogText(header[1])
}

/** The atoms with an argument, `%{argument}letter`; `undefined` when there is none such. */
export const atomOf = (argument: string, letter: string): Piece | undefined => {
  const name = argument.toLowerCase()
  switch (letter) {
    case "i":
      return ({ request }) => field(request?.headers, name)
    case "o":
      return ({ responseHeaders }) => responseField(responseHeaders, name)
    case "T":
      return durations.get(argument)
    default:
      return undefined
  }
}

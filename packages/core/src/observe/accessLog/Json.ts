import type { ExchangeOutcome, ExchangeRecord } from "../Observer.ts"
import { fromBytes, toBytes } from "../../bytes/ByteString.ts"
import { get } from "../../http/HeaderBlock.ts"
import { hostOf } from "./Atoms.ts"
import { escapeJsonText } from "./Escape.ts"
import { formatThousandths, LogTime } from "./Time.ts"

const text = (value: string | undefined): string => (value === undefined ? "null" : escapeJsonText(value))

/** Milliseconds to the microsecond. */
const millis = (value: number | undefined): string => (value === undefined ? "null" : formatThousandths(value * 1000))

/**
 * The text that has been made last is given again for the same values, which many records in a row have. It is in one
 * piece: V8 copies a text of several together only where it becomes bytes, which took as long as all else of a line.
 */
const remember = <A, B = undefined, C = undefined>(
  make: (a: A, b: B, c: C) => string
): ((a: A, b: B, c: C) => string) => {
  let last: { readonly a: A; readonly b: B; readonly c: C; readonly text: string } | undefined
  return (a, b, c) => {
    if (last === undefined || last.a !== a || last.b !== b || last.c !== c) {
      const bytes = toBytes(make(a, b, c))
      last = { a, b, c, text: fromBytes(bytes, 0, bytes.length) }
    }
    return last.text
  }
}

/** The end of a record without ids. */
const noIds = 'null,"traceId":null}\n'

/**
 * The `json` format: one object for each record, its fields always all there and in the same order. Text is as it was
 * received, one character for each byte.
 */
export const makeJson = (): ((record: ExchangeRecord) => string) => {
  const time = new LogTime()
  const second = remember((iso: string) => `{"time":"${iso}.`)
  const beforeTarget = remember(
    (client: string, method: string | undefined) =>
      `Z","client":${escapeJsonText(client)},"method":${text(method)},"target":`
  )
  const behindTarget = remember((version: string | undefined, status: number, bytes: number) => {
    const protocol = version === undefined ? "null" : text(`HTTP/${version}`)
    return `,"protocol":${protocol},"status":${status},"bytes":${bytes},"duration":`
  })
  const behindTimes = remember(
    (referer: string | undefined, userAgent: string | undefined, outcome: ExchangeOutcome) =>
      `,"referer":${text(referer)},"userAgent":${text(userAgent)},"outcome":${escapeJsonText(outcome)},"requestId":`
  )
  return (record) => {
    const { bytes, duration, firstByte, outcome, request, requestId, startedAt, status, traceId } = record
    const headers = request?.headers ?? []
    const ids =
      requestId === undefined && traceId === undefined ? noIds : `${text(requestId)},"traceId":${text(traceId)}}\n`
    return (
      `${second(time.isoSecond(startedAt), undefined, undefined)}${time.isoFraction(startedAt)}` +
      `${beforeTarget(hostOf(record), request?.method, undefined)}${text(request?.target)}` +
      `${behindTarget(request?.httpVersion, status, bytes)}${millis(duration)},"firstByte":${millis(firstByte)}` +
      `${behindTimes(get(headers, "referer"), get(headers, "user-agent"), outcome)}${ids}`
    )
  }
}

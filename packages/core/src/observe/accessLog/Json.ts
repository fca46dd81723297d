import type { ExchangeRecord } from "../Observer.ts"
import { get } from "../../http/HeaderBlock.ts"
import { hostOf } from "./Atoms.ts"
import { escapeJsonText } from "./Escape.ts"
import { formatThousandths, LogTime } from "./Time.ts"

const text = (value: string | undefined): string => (value === undefined ? "null" : escapeJsonText(value))

/** Milliseconds to the microsecond. */
const millis = (value: number | undefined): string => (value === undefined ? "null" : formatThousandths(value * 1000))

/**
 * The `json` format: one object for each record, its fields always all there and in the same order. Text is as it was
 * received, one character for each byte.
 */
export const makeJson = (): ((record: ExchangeRecord) => string) => {
  const time = new LogTime()
  return (record) => {
    const { bytes, duration, firstByte, outcome, request, requestId, startedAt, status, traceId } = record
    const headers = request?.headers ?? []
    return (
      `{"time":"${time.iso(startedAt)}","client":${escapeJsonText(hostOf(record))},"method":${text(request?.method)},` +
      `"target":${text(request?.target)},"protocol":${request === undefined ? "null" : text(`HTTP/${request.httpVersion}`)},` +
      `"status":${status},"bytes":${bytes},"duration":${millis(duration)},"firstByte":${millis(firstByte)},` +
      `"referer":${text(get(headers, "referer"))},"userAgent":${text(get(headers, "user-agent"))},` +
      `"outcome":${escapeJsonText(outcome)},"requestId":${text(requestId)},"traceId":${text(traceId)}}\n`
    )
  }
}

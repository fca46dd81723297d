import { makeJson } from "@pagi/core/observe/accessLog/Json"
import type { ExchangeRecord } from "@pagi/core/Observer"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { root } from "../support/workspace.ts"

const read = (path: string): string => readFileSync(join(root, path), "utf8")

/** Of something that was no request, of which least is known. */
const record: ExchangeRecord = {
  client: undefined,
  server: undefined,
  secure: false,
  request: undefined,
  kind: "http",
  requestId: undefined,
  traceId: undefined,
  status: 400,
  responseHeaders: undefined,
  bytes: 0,
  startedAt: 0,
  duration: 0,
  firstByte: undefined,
  queueTime: undefined,
  outcome: "complete"
}

const namesIn = (text: string, pattern: RegExp): ReadonlyArray<string> =>
  Array.from(text.matchAll(pattern), ([, name = ""]) => name)

/** What is in backticks in the first column of the table with this head. */
const firstColumn = (page: string, head: string): ReadonlyArray<string> => {
  const [, table = ""] = new RegExp(`^\\| ${head} +\\|.*\\n\\|[- |]+\\n((?:\\|.*\\n)+)`, "m").exec(read(page)) ?? []
  return table.split("\n").flatMap((line) => namesIn(line.split("|")[1] ?? "", /`([^`]+)`/g))
}

describe("the documentation has", () => {
  it("all attributes of spans, and no others", () => {
    const folder = "packages/core/src/tracing"
    const sources = readdirSync(join(root, folder)).filter((name) => name.endsWith(".ts"))
    const set = sources.flatMap((name) => namesIn(read(join(folder, name)), /\.attribute\("([^"]+)"/g))
    expect(set.length).toBeGreaterThan(10)
    expect(firstColumn("docs/tracing.md", "attribute").toSorted()).toEqual([...new Set(set)].toSorted())
  })

  it("all fields of messages in JSON, and no others", () => {
    const [, object = ""] = /formatJson\(\{\n([^}]+)\}\)/.exec(read("packages/cli/src/program/LogFormats.ts")) ?? []
    const fields = namesIn(object, /^ {4}(\w+)\b/gm)
    expect(fields.length).toBeGreaterThan(5)
    expect(firstColumn("docs/logging.md", "field").toSorted()).toEqual(fields.toSorted())
  })

  it("all fields of the access log in JSON, in their order", () => {
    const [, example = ""] = /^`json` writes[^`]+`null`:\n\n```json\n(.+?)```/ms.exec(read("docs/access-log.md")) ?? []
    expect(Object.keys(JSON.parse(example))).toEqual(Object.keys(JSON.parse(makeJson()(record))))
  })
})

import { assert, describe, it } from "@effect/vitest"
import { table, prometheusName } from "@pagi/core/metrics/MetricTable"
import { processTable } from "@pagi/core/metrics/ProcessTable"
import * as Effect from "effect/Effect"
import { spawnSync } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { findProgram } from "../support/FindProgram.ts"
import { temporaryFolder } from "../support/TemporaryFolder.ts"
import * as Http1 from "./support/counting/Http1.ts"
import * as Http2 from "./support/counting/Http2.ts"
import { Ledger } from "./support/counting/Ledger.ts"
import * as Oddities from "./support/counting/Oddities.ts"
import { nameOf, type Scrape, scrape } from "./support/counting/Scrape.ts"
import * as WebSockets from "./support/counting/WebSockets.ts"
import { fixture, serveFile } from "./support/Programs.ts"
import { serve as servePool } from "./support/SupervisorPool.ts"
import { until } from "./support/Until.ts"

const root = join(import.meta.dirname, "../..")
const application = fixture("counted")
const alertsPath = join(root, "docs/observability/alerts.yml")
const dashboardPath = join(root, "docs/observability/grafana.json")

const path = findProgram("promtool")

/** What promtool has to say. */
const promtool = (args: ReadonlyArray<string>, input = ""): string => {
  const { status, stderr, stdout } = spawnSync(path ?? "promtool", args, { input, encoding: "utf8" })
  assert.strictEqual(status, 0, `${stdout}${stderr}`)
  return `${stdout}${stderr}`
}

/** Asks for some of everything. */
const askForAll = (port: number) => {
  const ledger = new Ledger("http")
  const place = { port, secure: false }
  const isWanted = () => ledger.requests < 200
  return Effect.promise(async () => {
    await Oddities.run(place, ledger)
    await Promise.all([
      Http1.run({ place, ledger, isWanted, perConnection: 40 }),
      Http2.run({ place, ledger, isWanted, perConnection: 40 }),
      WebSockets.run({ place, ledger, isWanted, messages: 2 })
    ])
  })
}

const flags = ["--admin=127.0.0.1:0", "--max-body-size=100000"]

/** All metrics of the table, by the names that a scrape has for their series. */
const known: ReadonlySet<string> = new Set(
  [...Object.values(table), ...Object.values(processTable)].flatMap((row) => {
    const name = prometheusName(row)
    return row.type === "Histogram" ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name]
  })
)

const labels: ReadonlySet<string> = new Set([
  ...[...Object.values(table), ...Object.values(processTable)].flatMap((row) =>
    Object.keys(row.labels).map((label) => label.replaceAll(".", "_"))
  ),
  ...["worker", "le", "job", "instance"]
])

/** Words of PromQL that are no metrics. */
const words = new Set(
  "sum rate increase histogram_quantile min max vector label_values by or on and ignoring up job instance".split(" ")
)

/** What an expression names: metrics, and labels. */
const namesOf = (expression: string) => {
  const named: Array<string> = []
  const rest = expression
    .replaceAll(/\[[^\]]*\]/g, "")
    .replaceAll(/\b(?:by|without) \(([^)]*)\)/g, (_, list: string) => {
      named.push(...list.split(",").map((label) => label.trim()))
      return ""
    })
    .replaceAll(/\{([^}]*)\}/g, (_, matchers: string) => {
      named.push(...Array.from(matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*"/g), ([, label = ""]) => label))
      return ""
    })
  const metrics = Array.from(rest.matchAll(/[a-z_]\w*/gi), ([name]) => name).filter((name) => !words.has(name))
  return { metrics, labels: named }
}

const expressionsOf = (value: unknown): ReadonlyArray<string> => {
  if (typeof value !== "object" || value === null) return []
  return Object.entries(value).flatMap(([name, inner]: [string, unknown]) =>
    (name === "expr" || name === "definition") && typeof inner === "string" ? [inner] : expressionsOf(inner)
  )
}

const dashboard: unknown = JSON.parse(readFileSync(dashboardPath, "utf8"))

const alerts = Array.from(
  readFileSync(alertsPath, "utf8").matchAll(/^ +expr: \|\n((?: {10,}.*\n)+)/gm),
  ([, expression = ""]) => expression
)

const expectKnown = (expressions: ReadonlyArray<string>, least: number): void => {
  assert.isAtLeast(expressions.length, least)
  for (const expression of expressions) {
    const names = namesOf(expression)
    assert.isNotEmpty([...names.metrics, ...names.labels, ...(expression.includes("up{") ? ["up"] : [])], expression)
    for (const name of names.metrics) assert.isTrue(known.has(name), `${name} is no metric: ${expression}`)
    for (const label of names.labels) assert.isTrue(labels.has(label), `${label} is no label: ${expression}`)
  }
}

/** Metrics that a server has only when something happens, requests have to wait, or there are workers, or none. */
const rare = /^(?:pagi_server_(?:wait|worker|tls|limits|protocol|stream|connections_closed)|v8js_gc_)/

/** Metrics that every server has which has had clients of all kinds, and a scrape lacks. */
const missingIn = ({ values }: Scrape): ReadonlyArray<string> => {
  const names = new Set([...values.keys()].map(nameOf))
  return [...known].filter((name) => !names.has(name) && !rare.test(name))
}

/** A scrape of a server that has had clients of all kinds. */
const scrapeOf = (port: number, output: () => string) =>
  Effect.gen(function* () {
    const url = /the admin listener is at (http:\S+)/.exec(output())?.[1] ?? assert.fail(output())
    yield* askForAll(port)
    let seen: Scrape | undefined
    // Each worker tells what it has counted when its turn comes.
    const hasAll = Effect.map(scrape(url), (now) => {
      seen = now
      return missingIn(now).length === 0
    })
    yield* Effect.exit(until("all that clients have done is counted", hasAll, "10 seconds"))
    return seen ?? assert.fail()
  })

const ofWorkers = Effect.flatMap(servePool({ application, flags }), ({ output, port }) => scrapeOf(port, output))

const ofOneProcess = Effect.flatMap(serveFile(application, flags), ({ output, port }) => scrapeOf(port, output))

describe("metrics for Prometheus", () => {
  it.live("are those of the table, and what promtool expects, in one process and of workers", () =>
    Effect.gen(function* () {
      for (const scraped of [yield* ofOneProcess, yield* ofWorkers]) {
        const names = new Set([...scraped.values.keys()].map(nameOf))
        const others = [...names].filter((name) => !known.has(name))
        assert.deepStrictEqual(others, ["shop_answers_total"])
        assert.deepStrictEqual(missingIn(scraped), [])
        for (const series of scraped.values.keys()) {
          const named = Array.from(series.matchAll(/[{,](\w+)="/g), ([, label = ""]) => label)
          for (const label of named) assert.isTrue(labels.has(label), series)
        }
        if (path !== undefined) assert.strictEqual(promtool(["check", "metrics"], scraped.text), "")
      }
    }).pipe(Effect.scoped)
  )

  it.live("are all that the dashboard for Grafana and the alerts ask for", () =>
    Effect.sync(() => {
      expectKnown(expressionsOf(dashboard), 30)
      expectKnown(alerts, 10)
      assert.strictEqual(alerts.length, readFileSync(alertsPath, "utf8").split("- alert: ").length - 1)
    })
  )

  it.live.skipIf(path === undefined)("have alerts that promtool accepts", () =>
    Effect.sync(() => assert.match(promtool(["check", "rules", alertsPath]), /SUCCESS: \d+ rules found/))
  )

  it.live.skipIf(path === undefined)("have expressions that promtool accepts, in the dashboard too", () =>
    Effect.gen(function* () {
      // promtool knows no variables of Grafana's, and rules only.
      const expressions = expressionsOf(dashboard).filter((expression) => !expression.startsWith("label_values("))
      const rules = expressions.map((expression, index) => ({
        record: `panel:${index}`,
        expr: expression.replaceAll("$__rate_interval", "1m")
      }))
      const folder = yield* temporaryFolder
      const file = join(folder, "rules.yml")
      // JSON is YAML.
      writeFileSync(file, JSON.stringify({ groups: [{ name: "dashboard", rules }] }))
      assert.match(promtool(["check", "rules", file]), /SUCCESS: \d+ rules found/)
    }).pipe(Effect.scoped)
  )
})

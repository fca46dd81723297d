/** What `/metrics` answers, read, and somebody who asks for it all the time. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { get } from "node:http"

/** The values of one answer. */
export interface Scrape {
  readonly text: string
  /** By the series as they are written. */
  readonly values: ReadonlyMap<string, number>
  /** The types of metrics, by their names. */
  readonly types: ReadonlyMap<string, string>
}

/** Of text in Prometheus' format. */
export const parse = (text: string): Scrape => {
  const values = new Map<string, number>()
  const types = new Map<string, string>()
  for (const line of text.split("\n")) {
    if (line.startsWith("# TYPE ")) {
      const [, , name = "", type = ""] = line.split(" ")
      types.set(name, type)
    } else if (line !== "" && !line.startsWith("#")) {
      const end = line.lastIndexOf(" ")
      values.set(line.slice(0, end), Number(line.slice(end + 1)))
    }
  }
  return { text, values, types }
}

/** The name of a series without its labels. */
export const nameOf = (series: string): string => /^[^{]*/.exec(series)?.[0] ?? ""

/** Whether a series can only grow: a counter, or a part of a histogram. */
export const isCumulative = ({ types }: Scrape, series: string): boolean => {
  const name = nameOf(series)
  if (types.get(name) === "counter") return true
  return types.get(name.replace(/_(?:bucket|count|sum)$/, "")) === "histogram"
}

const request = (url: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const sent = get(`${url}metrics`, { agent: false, timeout: 10_000 }, (response) => {
      let text = ""
      response.setEncoding("utf8").on("data", (part: string) => (text += part))
      response.on("end", () =>
        response.statusCode === 200 ? resolve(text) : reject(new Error(`${response.statusCode}: ${text}`))
      )
      response.on("error", reject)
    })
    sent.on("timeout", () => sent.destroy(new Error("no answer within 10 seconds")))
    sent.on("error", reject)
  })

/** Asks once, over a connection of its own. The URL is that of the admin listener. */
export const scrape = (url: string): Effect.Effect<Scrape, Error> =>
  Effect.map(
    Effect.tryPromise({
      try: () => request(url),
      catch: (error) => (error instanceof Error ? error : new Error(String(error)))
    }),
    parse
  )

/** What has gone wrong between two answers that follow each other. */
const steps = (before: Scrape, after: Scrape): ReadonlyArray<string> =>
  [...before.values]
    .filter(([series, value]) => isCumulative(before, series) && (after.values.get(series) ?? -1) < value)
    .map(([series, value]) => `${series} went from ${value} to ${after.values.get(series) ?? "nothing"}`)

/** Asks again and again until it is told to end; yields what went wrong, and how many answers there were. */
export const watch = (url: string) =>
  Effect.gen(function* () {
    const problems: Array<string> = []
    let [count, slowest] = [0, 0]
    let last: Scrape | undefined
    const look = Effect.gen(function* () {
      const begun = performance.now()
      const now = yield* Effect.result(scrape(url))
      slowest = Math.max(slowest, performance.now() - begun)
      count++
      if (now._tag === "Failure") problems.push(`a scrape failed: ${now.failure.message}`)
      else {
        if (last !== undefined) problems.push(...steps(last, now.success))
        last = now.success
      }
      yield* Effect.sleep(50)
    })
    const fiber = yield* Effect.forkScoped(Effect.forever(look))
    return {
      end: Effect.andThen(
        Fiber.interrupt(fiber),
        Effect.sync(() => ({ problems, count, slowest }))
      )
    }
  })

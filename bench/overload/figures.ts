/** The figures of docs/overload.md: the medians of what several rounds have measured. */
import { medianOf } from "../harness/statistics.ts"
import type { LoadOutcome } from "./client.ts"

/** All loads once, with the option and without it. */
export interface Round {
  /** What the machine had to do besides, by its load average when the round began. */
  readonly load: number
  readonly limited: ReadonlyArray<LoadOutcome>
  readonly plain: ReadonlyArray<LoadOutcome>
}

interface About {
  readonly machine: string
  /** Milliseconds. */
  readonly patience: number
  /** Milliseconds. */
  readonly maxQueueTime: number
}

export interface Measured extends About {
  readonly rounds: ReadonlyArray<Round>
}

export interface OverloadFigures extends About {
  readonly limited: ReadonlyArray<LoadOutcome>
  readonly plain: ReadonlyArray<LoadOutcome>
}

/** The median of each figure of each load. */
const medians = (rounds: ReadonlyArray<ReadonlyArray<LoadOutcome>>): ReadonlyArray<LoadOutcome> => {
  const all = rounds.flat()
  const rates = [...new Set(all.map(({ offered }) => offered))].toSorted((a, b) => a - b)
  return rates.map((offered) => {
    const of = (name: keyof LoadOutcome): number =>
      medianOf(all.filter((one) => one.offered === offered).map((one) => one[name]))
    return { offered, goodput: of("goodput"), p99: of("p99"), refused: of("refused"), unanswered: of("unanswered") }
  })
}

export const figuresOf = ({ rounds, ...about }: Measured): OverloadFigures => {
  const loads = rounds.map(({ load }) => load.toFixed(1)).join(", ")
  return {
    ...about,
    machine: `${about.machine}; medians of ${rounds.length} (load average ${loads})`,
    limited: medians(rounds.map(({ limited }) => limited)),
    plain: medians(rounds.map(({ plain }) => plain))
  }
}

/** The table of the page, and what it comes to. */
export const tableOf = ({ limited, maxQueueTime, plain }: OverloadFigures): string => {
  const head = `| offered/s | goodput, \`maxQueueTime\` ${maxQueueTime} ms | p99 | refused/s | goodput without it | p99 without it |`
  const rows = limited.map(({ goodput, offered, p99, refused }) => {
    const without = plain.find((one) => one.offered === offered)
    const cells = [offered, goodput.toFixed(0), `${p99.toFixed(0)} ms`, refused.toFixed(0)]
    return `| ${[...cells, without?.goodput.toFixed(0), `${without?.p99.toFixed(0)} ms`].join(" | ")} |`
  })
  const most = Math.max(...limited.map(({ goodput }) => goodput))
  const last = limited.at(-1)
  const share = last === undefined ? "" : ((last.goodput / most) * 100).toFixed(0)
  const summary = `At ${last?.offered} requests a second goodput is ${share} % of the most that was seen (${last?.goodput.toFixed(0)} of ${most.toFixed(0)}).`
  return [head, "| --- | --- | --- | --- | --- | --- |", ...rows, "", summary, ""].join("\n")
}

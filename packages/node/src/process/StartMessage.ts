/** The line that says at a start which server serves what, where, and in which processes. */
import { count } from "./Amounts.ts"
import { version } from "./Version.ts"

/** What there is to say. */
export interface Start {
  /** The number of workers, or what a server without workers is (`ServerMode`). */
  readonly processes: number | "single" | "embedded"
  /** The number of this process. */
  readonly pid: number
  /** Names as in ALPN. */
  readonly protocols: ReadonlyArray<string>
  readonly urls: ReadonlyArray<string>
}

/** What protocols are called by people. */
const protocolNames: ReadonlyMap<string, string> = new Map([
  ["http/1.1", "HTTP/1.1"],
  ["h2", "HTTP/2"]
])

const list = (texts: ReadonlyArray<string>): string =>
  texts.length < 2 ? texts.join() : `${texts.slice(0, -1).join(", ")} and ${texts.at(-1) ?? ""}`

const whoOf = ({ pid, processes }: Start): string => {
  switch (processes) {
    case "single":
      return `in process ${pid}, without workers`
    case "embedded":
      return `in process ${pid}, as a part of a program`
    default:
      return `with ${count(processes, "worker")} below process ${pid}`
  }
}

/** Version, protocols, processes and URLs. */
export const describe = (start: Start): string => {
  const protocols = start.protocols.map((name) => protocolNames.get(name) ?? name).toSorted()
  return `pagi ${version} serves ${list(protocols)} ${whoOf(start)}: ${start.urls.join(" ")}`
}

import { connect } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { parseArgs } from "node:util"
import { greeting } from "../servers/support/contract.ts"

/** One request at a time for the greeting over one connection, until told to stop; answers with the longest wait. */
export interface HonestReport {
  readonly requests: number
  readonly longestMilliseconds: number
  readonly problem?: string
}

const { values } = parseArgs({ options: { port: { type: "string" } } })
const pauseMilliseconds = 10
const request = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"

const socket = connect({ port: Number(values.port), host: "127.0.0.1" })
socket.setEncoding("latin1")

const stopping = new AbortController()
let problem: string | undefined
const fail = (reason: string): void => {
  problem ??= reason
  stopping.abort()
}
socket.on("error", (error) => fail(error.message))
socket.on("close", () => fail("the server closed its connection"))

const ask = (): Promise<void> =>
  new Promise((resolve) => {
    let answer = ""
    const take = (text: string): void => {
      answer += text
      if (!answer.endsWith(greeting)) return
      socket.off("data", take).off("close", resolve)
      resolve()
    }
    socket.on("data", take).once("close", resolve)
    socket.write(request)
  })

let requests = 0
let longestMilliseconds = 0

const askUntilStopped = async (): Promise<void> => {
  while (!stopping.signal.aborted) {
    const startedAt = performance.now()
    await ask()
    requests += 1
    longestMilliseconds = Math.max(longestMilliseconds, performance.now() - startedAt)
    await sleep(pauseMilliseconds)
  }
}

process.on("disconnect", () => process.exit())
process.on("message", () => stopping.abort())
const asking = askUntilStopped()
process.send?.("asking")
await asking
const report: HonestReport = { requests, longestMilliseconds, ...(problem === undefined ? {} : { problem }) }
process.send?.(report, () => process.exit())

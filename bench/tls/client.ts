import { setTimeout as sleep } from "node:timers/promises"
import { connect, createSecureContext } from "node:tls"
import { parseArgs } from "node:util"
import { Latencies } from "../harness/latencies.ts"
import { measureLoad, printReport } from "../harness/loadReport.ts"
import { greeting } from "../servers/support/contract.ts"

/** The load of a row of new connections over TLS: opens them for a time, and prints what came of it. */
const { values } = parseArgs({
  options: {
    port: { type: "string" },
    connections: { type: "string" },
    resumes: { type: "boolean" },
    seconds: { type: "string" }
  }
})

const request = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

/** One set of keys and suites for all connections, of which servers choose the same. */
const secureContext = createSecureContext({ minVersion: "TLSv1.3", ciphers: "TLS_AES_128_GCM_SHA256" })

const problems = new Map<string, number>()
const latencies = new Latencies()
let answered = 0
/** Of the latest connection, when sessions are to be resumed. */
let session: Buffer | undefined

const count = (problem: string): void => {
  problems.set(problem, (problems.get(problem) ?? 0) + 1)
}

/** Resolves to what is wrong with the connection. */
const openOne = (): Promise<string | undefined> =>
  new Promise((resolve) => {
    const offered = session
    const socket = connect({
      port: Number(values.port),
      host: "127.0.0.1",
      servername: "localhost",
      rejectUnauthorized: false,
      secureContext,
      ...(offered === undefined ? {} : { session: offered })
    })
    let answer = ""
    if (values.resumes === true) {
      socket.on("session", (ticket) => {
        session = ticket
      })
    }
    socket.setEncoding("latin1")
    socket.on("secureConnect", () => socket.write(request))
    socket.on("data", (text: string) => {
      answer += text
    })
    socket.on("error", (error) => resolve(error.message))
    socket.on("end", () => {
      const isResumed = socket.isSessionReused()
      socket.destroy()
      if (isResumed !== (offered !== undefined)) return resolve(isResumed ? "was resumed" : "was not resumed")
      resolve(answer.endsWith(greeting) ? undefined : "ended without the answer")
    })
  })

const openInTurn = async (until: number): Promise<void> => {
  for (let now = performance.now(); now < until; now = performance.now()) {
    const problem = await openOne()
    if (problem === undefined) {
      answered += 1
      latencies.record(performance.now() - now)
    } else {
      count(problem)
      // Lest a server that accepts nothing is asked all the time.
      await sleep(10)
    }
  }
}

const priming = values.resumes === true ? await openOne() : undefined
if (priming !== undefined) count(priming)
const measured = await measureLoad(latencies, async (startedAt) => {
  const until = startedAt + Number(values.seconds) * 1000
  await Promise.all(Array.from({ length: Number(values.connections) }, () => openInTurn(until)))
  return answered
})
printReport({
  ...measured,
  problems: [...problems].map(([problem, times]) => `a connection ${problem} (${times} times)`)
})

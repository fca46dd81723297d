import * as Contract from "../servers/support/contract.ts"
import type { HttpRow, Suite, TlsLoad, TlsRow } from "./row.ts"

const hello: HttpRow = {
  name: "tls-hello",
  title: "13 bytes of text over TLS, 64 keep-alive connections",
  protocol: "http",
  load: { method: "GET", path: "/", bodyBytes: 0, connections: 64, pipelineDepth: 1, closeAfterEach: false, tls: true },
  expectedBody: Contract.greeting,
  streamed: false,
  subject: "pagi",
  peers: ["node-https"],
  budgets: [{ peer: "node-https", atLeast: 1.2 }]
}

const connections = (name: string, title: string, load: TlsLoad): TlsRow => ({
  name,
  title,
  protocol: "tls",
  load,
  subject: "pagi",
  peers: ["node-https"],
  budgets: [{ peer: "node-https", atLeast: 1 }]
})

/** What each of the connections of a row asks for. */
export const requestOf = ({ name, title }: TlsRow): HttpRow => ({
  ...hello,
  name,
  title,
  load: { ...hello.load, closeAfterEach: true }
})

export const tls: Suite = {
  name: "tls",
  title: "TLS",
  loadGenerator: "wrk",
  remarks: [
    "All speak TLS 1.3, with a certificate on P-256. The load of `tls-hello` comes from `wrk`; the connections come from",
    "`bench/tls`, which checks that each has, or has not, resumed a session. A whole handshake takes a client as much",
    "processor time as a server, so the load core may be the limit of these rows: they are judged by what a server does",
    "in a second of its own processor time."
  ],
  throughput: [
    hello,
    connections("tls-new", "new connections with a whole handshake and one answer of 13 bytes, 16 at a time", {
      connections: 16,
      resumes: false
    }),
    connections("tls-resumed", "new connections that resume a session, with one answer of 13 bytes, 16 at a time", {
      connections: 16,
      resumes: true
    })
  ],
  figures: []
}

import type { Suite } from "./row.ts"

export const process: Suite = {
  name: "process",
  title: "Start, memory and slow readers",
  loadGenerator: "bench/slowReaders",
  remarks: [
    "Less is better in all rows. `start` is from the start of the program until its first answer has come, and resident",
    "memory half a second later, of the smallest application that says hello; programs that keep compiled code have it",
    "from an earlier start. `slow-readers` is the longest that a client with one request at a time had to wait for 13",
    "bytes while 500 others, from another process, asked for 50 MB each and read nothing."
  ],
  throughput: [],
  figures: [
    {
      name: "start",
      title: "from the start to the first answer, and memory at rest, of an application that says hello",
      measures: "start",
      candidates: ["pagi", "node-http", "fastify", "effect-node-http-server", "bun", "deno"],
      subject: "pagi",
      budgets: { timesPeers: [{ peer: "fastify", atMost: 1 }], mebibytesAtRest: 85 }
    },
    {
      name: "slow-readers",
      title: "longest wait of one client while 500 others ask for 50 MB each and read nothing",
      measures: "slow readers",
      candidates: ["pagi", "node-http"],
      subject: "pagi",
      budgets: { timesPeers: [{ peer: "node-http", atMost: 1.5 }] }
    }
  ]
}

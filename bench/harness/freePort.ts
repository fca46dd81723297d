import { createServer } from "node:net"
import { BenchmarkProblem } from "./problem.ts"

export const freePort = async (): Promise<number> => {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve))
  const address = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  if (address === null || typeof address === "string") throw new BenchmarkProblem("no free port on 127.0.0.1")
  return address.port
}

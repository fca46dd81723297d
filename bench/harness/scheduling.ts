import { readFile } from "node:fs/promises"

export interface Scheduling {
  readonly ranMicroseconds: number
  /** Ready to run, but the core ran another thread. */
  readonly waitedMicroseconds: number
}

/** Of one thread, given its directory under /proc; that of a process stands for its main thread. */
export const scheduling = async (directory: string): Promise<Scheduling> => {
  const [ran = 0, waited = 0] = (await readFile(`${directory}/schedstat`, "latin1")).split(" ").map(Number)
  return { ranMicroseconds: ran / 1000, waitedMicroseconds: waited / 1000 }
}

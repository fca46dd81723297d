/**
 * A program that outlives the launcher only if that one is killed, and then ends what it has left.
 *
 * It reads lines: the number of a group of processes that has begun, and the same with a minus when it has ended. They end
 * with the launcher. Whatever still runs then is killed, and the folder removed that the argument names.
 */
import { rmSync } from "node:fs"
import { createInterface } from "node:readline"

const groups = new Set<number>()
for await (const line of createInterface(process.stdin)) {
  const number = Number(line)
  if (number > 0) groups.add(number)
  else groups.delete(-number)
}
for (const group of groups) {
  try {
    process.kill(-group, "SIGKILL")
  } catch {
    // It has ended by itself.
  }
}
const [folder] = process.argv.slice(2)
// Those who were killed may still be about to write there.
if (folder !== undefined) rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 })

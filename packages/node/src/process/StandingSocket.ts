/**
 * Keeps the socket of a process where others find it. Connecting leaves no trace at a socket, so who removes what has not
 * been used in a folder for temporary files for days takes it for forgotten; and somebody may remove all of it.
 */
import { utimes } from "node:fs"
import { codeOf } from "../accept/ListenError.ts"

/** Milliseconds between two looks: so long may those who begin not find a process whose socket was removed. */
const interval = 5000

/**
 * Has the socket look used, and calls `onMissing` each time that it is not there, which is to listen at the same path
 * again. Answers how that ends; no process goes on for it.
 */
export const keep = (path: string, onMissing: () => void): (() => void) => {
  let hasEnded = false
  const timer = setInterval(() => {
    const now = new Date()
    utimes(path, now, now, (error) => {
      if (error !== null && codeOf(error) === "ENOENT" && !hasEnded) onMissing()
    })
  }, interval)
  timer.unref()
  return () => {
    hasEnded = true
    clearInterval(timer)
  }
}

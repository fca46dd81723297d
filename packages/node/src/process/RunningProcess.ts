import { codeOf } from "../accept/ListenError.ts"

/** Whether a process runs, be it one of another user. */
export const isRunning = (pid: number): boolean => {
  // That number stands for all processes of a group.
  if (pid === 0) return false
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return codeOf(error) === "EPERM"
  }
}

/** Why a worker could not start, as it says by its exit code. */
import { cannotListen, cannotLoad, refused, usage } from "./ExitCode.ts"

/** A failure to start. */
export interface StartFailure {
  /** As the whole server would exit. */
  readonly code: number
  /** Whether it may become right by itself, as a certificate that is just being replaced. */
  readonly mayPass: boolean
}

/** What is added to the exit code of a worker whose failure may pass; what so begins nobody else exits with. */
const passing = 64

const codes: ReadonlySet<number> = new Set([usage, cannotListen, cannotLoad, refused])

/** The exit code for a failure. */
export const exitCodeOf = ({ code, mayPass }: StartFailure): number => (mayPass ? passing + code : code)

/** What an exit code says; nothing when it is that of another end. */
export const ofExitCode = (code: number | null): StartFailure | undefined => {
  if (code === null) return undefined
  const mayPass = code > passing
  const plain = mayPass ? code - passing : code
  return codes.has(plain) ? { code: plain, mayPass } : undefined
}

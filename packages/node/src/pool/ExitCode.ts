/**
 * What the process says by its exit code, for supervisors that decide whether to start it again:
 *
 * | code | meaning | worth a restart? |
 * | --- | --- | --- |
 * | 0 | stopped as asked, or printed what was asked for | |
 * | 1 | a fault of the server itself, printed with its stack | yes |
 * | 2 | an unknown flag or argument, a value that is not allowed, or a runtime other than Node 22.19 or later | no |
 * | 3 | cannot listen, as the address is in use or not available; or the pid file names a server that runs | later |
 * | 4 | the application cannot be loaded or built, or is none | no |
 * | 5 | the application refused to start: its lifespan startup failed | perhaps |
 * | 6 | stopped as asked, but some requests, or the application, did not finish in time and were cut off | |
 * | 128 + n | a second signal, number n, cut the graceful stop short | |
 */

export const stopped = 0
export const internal = 1
export const usage = 2
export const cannotListen = 3
export const cannotLoad = 4
export const refused = 5
export const incompleteDrain = 6

/** What is added to the number of a signal that has ended a process, as shells do. */
export const signalBase = 128

/** The code of a process that the signal of this number has ended. */
export const ofSignal = (number: number): number => signalBase + number

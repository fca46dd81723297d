/**
 * Reads files anew when somebody asks for it, one time after the other, and tells when that is done.
 *
 * | state          | asked for        | a reading has ended                |
 * | -------------- | ---------------- | ---------------------------------- |
 * | idle           | reads            |                                    |
 * | reads          | will read again  | tells; is idle                     |
 * | reads, again   |                  | tells; reads                       |
 *
 * Whoever asks so gets a reading that begins later than he has asked, and however often he asks there are two at most.
 */
export interface Rereading {
  readonly ask: () => void
}

/**
 * @param read reads everything; that it fails is told by `onFailure`, and is no reason not to go on
 * @param done what follows each reading, whether it has failed or not
 */
export const make = (
  read: () => Promise<void>,
  done: () => void,
  onFailure: (error: unknown) => void = () => {}
): Rereading => {
  let state: "idle" | "reads" | "readsAgain" = "idle"
  const begin = (): void => {
    state = "reads"
    // Also what `read` throws instead of a promise that is rejected.
    Promise.resolve().then(read).catch(onFailure).then(end, end)
  }
  const end = (): void => {
    const isAskedFor = state === "readsAgain"
    state = "idle"
    done()
    if (isAskedFor) begin()
  }
  return {
    ask: () => {
      if (state === "idle") begin()
      else state = "readsAgain"
    }
  }
}

/** A worker that was started ahead of time (`SpareWorkers`): loads all but the application, and waits until it is needed. */
import { isObject } from "effect/Predicate"
import { spareVariable } from "./SpareVariable.ts"

/** What tells the process which worker it is; nothing for another message. */
interface Begin {
  readonly environment: Readonly<Record<string, unknown>>
  readonly directory: string
}

const asBegin = (message: unknown): Begin | undefined => {
  if (!isObject(message)) return undefined
  const { directory, environment, type }: Readonly<Record<string, unknown>> = { ...message }
  return type === "begin" && typeof directory === "string" && isObject(environment)
    ? { directory, environment: { ...environment } }
    : undefined
}

/** Completes with the first message. Those that follow wait in the channel for whoever listens next. */
const begin = (): Promise<Begin> =>
  new Promise((resolve) => {
    // Nobody needs it if the parent has gone.
    const leave = (): void => process.exit()
    process.on("disconnect", leave)
    process.once("message", (message) => {
      process.off("disconnect", leave)
      const order = asBegin(message)
      if (order === undefined) process.exit()
      resolve(order)
    })
  })

/** What applications have workers load later, in most cases. */
const loadMore = (): Promise<unknown> =>
  Promise.all([
    import("./WatchedApplication.ts"),
    import("@pagi/core/fetch/fromFetch"),
    import("@pagi/core/fetch/Prepared"),
    import("../application/EffectExport.ts")
  ])

/**
 * Waits until this process is to be a worker, and makes its environment that of one.
 *
 * @param load loads the program of a worker, without running it
 */
export const wait = async (load: () => Promise<unknown>): Promise<void> => {
  delete process.env[spareVariable]
  const ordered = begin()
  await Promise.all([load(), loadMore()])
  const { directory, environment } = await ordered
  for (const [name, value] of Object.entries(environment)) if (typeof value === "string") process.env[name] = value
  try {
    process.chdir(directory)
  } catch {
    // As for any worker that is started in a folder which has gone.
  }
}

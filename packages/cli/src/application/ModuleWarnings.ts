/** Keeps back what Node warns of when it takes a module for CommonJS: the failure that follows says the same. */
const repeated = /^Failed to load the ES module: /

/** Imports; the warnings are printed after all when that succeeds. */
export const holdBack = async <A>(load: () => Promise<A>): Promise<A> => {
  const printers = process.listeners("warning")
  const held: Array<Error> = []
  const print = (warning: Error): void => {
    for (const printer of printers) printer(warning)
  }
  const listener = (warning: Error): void => {
    if (repeated.test(warning.message)) held.push(warning)
    else print(warning)
  }
  for (const printer of printers) process.off("warning", printer)
  process.on("warning", listener)
  try {
    const loaded = await load()
    held.forEach(print)
    return loaded
  } finally {
    process.off("warning", listener)
    for (const printer of printers) process.on("warning", printer)
  }
}
